import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { openRoomSockets } from './room-sockets.ts';
import type { StoredMessage } from './store-message.ts';

// node bench/peers/servers/bullmq-gateway.ts <port> <redis URL>
// Adds one job for each message. A worker (bullmq-worker.ts) stores the message and publishes it.

const [port, redisUrl = ''] = process.argv.slice(2);

const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
const queue = new Queue('peer-messages', { connection, defaultJobOptions: { removeOnComplete: true } });
const subscriber = connection.duplicate();
await subscriber.subscribe('peer-messages');

const sockets = openRoomSockets(Number(port), ({ room, sender }, frame) => {
  const { ref, text } = JSON.parse(frame);
  void queue.add('message', { roomId: Number(room), senderId: Number(sender), ref, text });
});

subscriber.on('message', (_channel, frame) => {
  const { roomId, senderId, ref } = JSON.parse(frame) as StoredMessage;
  sockets.publish(`${roomId}`, frame);
  sockets.acknowledge(`${senderId}`, ref);
});
