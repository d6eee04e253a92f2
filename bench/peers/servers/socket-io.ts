import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { connectDatabase } from '../../../shared/database.ts';
import { storeMessage } from './store-message.ts';

// node bench/peers/servers/socket-io.ts <port> <redis URL> <database URL>
// One insert before each broadcast. The acknowledgement follows the commit.

const CONNECTIONS = 10;
const [port, redisUrl = '', databaseUrl = ''] = process.argv.slice(2);

const database = connectDatabase(databaseUrl, { name: 'socket-io', max: CONNECTIONS, readOnly: false, timeout: 0 });
const publisher = new Redis(redisUrl, { enableAutoPipelining: true });
const http = createServer();
const io = new Server(http, {
  adapter: createAdapter(publisher, publisher.duplicate()),
  transports: ['websocket'],
  perMessageDeflate: false,
});

io.on('connection', async (socket) => {
  const { room, sender } = socket.handshake.query as { room: string; sender: string };
  await socket.join(room);
  socket.on('message', async ({ ref, text }: { ref: string; text: string }, acknowledge: (id: string) => void) => {
    const message = await storeMessage(database, { roomId: Number(room), senderId: Number(sender), ref, text });
    io.to(room).emit('message', message);
    acknowledge(message.id);
  });
  socket.emit('joined');
});

http.listen(Number(port), '127.0.0.1');
