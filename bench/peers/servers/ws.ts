import { Redis } from 'ioredis';
import { type WebSocket, WebSocketServer } from 'ws';

// node bench/peers/servers/ws.ts <port> <redis URL>
// Redis pub/sub between the sockets. Nothing is stored: the ack means that Redis took the message.

const [port, redisUrl = ''] = process.argv.slice(2);

const publisher = new Redis(redisUrl, { enableAutoPipelining: true });
const subscriber = publisher.duplicate();
const socketsOfRoom = new Map<string, Set<WebSocket>>();

async function join(room: string, socket: WebSocket): Promise<void> {
  const sockets = socketsOfRoom.get(room) ?? new Set();
  socketsOfRoom.set(room, sockets.add(socket));
  socket.on('close', () => sockets.delete(socket));
  await subscriber.subscribe(room);
  socket.send('{"joined":true}');
}

async function publish(room: string, sender: string, frame: string, socket: WebSocket): Promise<void> {
  const { ref, text } = JSON.parse(frame);
  const message = { ref, roomId: room, senderId: sender, text, createdAt: new Date().toISOString() };
  await publisher.publish(room, JSON.stringify(message));
  socket.send(`{"ack":"${ref}"}`);
}

subscriber.on('message', (room: string, message: string) => {
  const frame = Buffer.from(message);
  for (const socket of socketsOfRoom.get(room) ?? []) socket.send(frame, { binary: false });
});

const server = new WebSocketServer({ port: Number(port), host: '127.0.0.1', perMessageDeflate: false });
server.on('connection', (socket, { url = '' }) => {
  const { room = '', sender = '' } = Object.fromEntries(new URLSearchParams(url.slice(url.indexOf('?'))));
  void join(room, socket);
  socket.on('message', (data) => void publish(room, sender, data.toString(), socket));
});
