import type { Conversation } from '../conversation.ts';
import type { KitSocket } from '../socket.ts';

/** Waits until the client has handled a new message of each of these rooms. @returns its socket */
export async function connected(talk: Conversation, rooms = [talk.room]): Promise<KitSocket> {
  const socket = await talk.socket(1);
  for (const room of rooms) talk.write(1, room);
  await talk.caughtUp();
  return socket;
}

/** Waits until the client has answered a ping. Then it has received every frame before the ping too. */
export async function pong(talk: Conversation, socket: KitSocket): Promise<void> {
  let hasAnswered = false;
  void socket.ping().then(() => {
    hasAnswered = true;
    talk.server.changed();
  });
  await talk.until('the client answers a ping', () => hasAnswered);
}

/** Connects the client, cuts its connection, and changes something before the client is back. */
export async function away(talk: Conversation, change: () => void, rooms = [talk.room]): Promise<void> {
  const socket = await connected(talk, rooms);
  socket.cut();
  change();
  await talk.socket(2);
}
