import { limits } from '../../../shared/contract/limits.ts';
import { openRoomSockets, type Session } from './room-sockets.ts';

// node bench/peers/servers/uws-publish.ts <port>
// Publishes messages in groups, as Rooms does: at most one full batch in a tick. Nothing is stored.

/** About the time of one batch of Rooms on an idle system. */
const MAX_WAIT_MS = 5;
const [port] = process.argv.slice(2);

interface Waiting extends Session {
  ref: string;
  message: string;
}

let waiting: Waiting[] = [];
let timer: NodeJS.Timeout | undefined;

const sockets = openRoomSockets(Number(port), ({ room, sender }, frame) => {
  const { ref, text } = JSON.parse(frame);
  const message = JSON.stringify({ ref, roomId: room, senderId: sender, text, createdAt: new Date().toISOString() });
  waiting.push({ room, sender, ref, message });
  if (waiting.length >= limits.MAX_BATCH_COMMANDS) publishWaiting();
  else timer ??= setTimeout(publishWaiting, MAX_WAIT_MS);
});

function publishWaiting(): void {
  clearTimeout(timer);
  timer = undefined;
  for (const { room, message } of waiting) sockets.publish(room, message);
  for (const { sender, ref } of waiting) sockets.acknowledge(sender, ref);
  waiting = [];
}
