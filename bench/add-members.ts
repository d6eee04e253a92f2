import { randomUUID } from 'node:crypto';
import { encodeText, RawSocket } from './raw-socket.ts';

/** A lane keeps 10,000 commands. This leaves space for eight owners who add members at the same time. */
const MAX_IN_FLIGHT = 1_000;
const RETRY_AFTER_MS = 500;

interface Answer {
  command: string;
  code?: string;
  ref?: string;
}

/** The owner of a room adds users, over one socket. @throws Error if the socket is closed or an addition is refused */
export async function addMembers(url: string, ownerToken: string, roomId: string, userIds: string[]): Promise<void> {
  if (userIds.length === 0) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let [sent, acked] = [0, 0];
  const targetOf = new Map<string, string>();
  const add = (ref: string) => {
    const command = { command: 'AddUser', roomId, targetId: targetOf.get(ref), ref };
    socket.send(encodeText(JSON.stringify(command)));
  };
  const addNext = () => {
    if (sent === userIds.length) return;
    const ref = randomUUID();
    targetOf.set(ref, userIds[sent++] as string);
    add(ref);
  };
  const socket = new RawSocket({
    url,
    token: ownerToken,
    onFrame: (bytes, start, end) => {
      const { command, code, ref = '' } = JSON.parse(bytes.toString('utf8', start, end)) as Answer;
      if (code === 'busy') setTimeout(add, RETRY_AFTER_MS, ref);
      else if (command === 'Error') reject(new Error(`a member could not be added to a room: ${code}`));
      if (command === 'Welcome') for (let count = 0; count < MAX_IN_FLIGHT; count++) addNext();
      if (command !== 'Ack') return;
      addNext();
      if (++acked === userIds.length) resolve();
    },
    onClose: (reason) => reject(new Error(`the socket of an owner was closed: ${reason}`)),
  });
  await promise.finally(() => socket.destroy());
}
