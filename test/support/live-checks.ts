import { type Message, membershipChange } from '../../shared/contract/messages.ts';
import type { LiveModel } from './live-model.ts';
import type { SimulatedGateway, SimulatedSocket } from './live-simulation.ts';

/**
 * Checks what a client has seen: in each room every message once and in order, from the `Welcome` or from the message that
 * made its user a member, to the message that ended the membership.
 * @returns one line for each broken promise
 */
export function findStreamErrors(socket: SimulatedSocket, model: LiveModel): string[] {
  if (socket.stream) return socket.stream.errors;
  const { welcome, messages, userId, errors } = socket;
  const last = new Map<string, number>(welcome);
  const found = [...errors, ...findEarlyRooms(socket, model)];
  for (const message of messages) {
    const { roomId, seq, id } = message;
    const change = membershipChange(message as Message);
    const isOwnChange = change?.userId === userId || change?.userId === 'everyone';
    const before = last.get(roomId);
    const begins = before === undefined && isOwnChange && change.isMember;
    if (!begins && seq !== (before ?? Number.NaN) + 1) found.push(`room ${roomId}: ${seq} after ${before}`);
    if (model.rooms.get(roomId)?.messages[seq - 1]?.id !== id) found.push(`room ${roomId}: ${seq} is not stored`);
    if (isOwnChange && !change.isMember) last.delete(roomId);
    else last.set(roomId, seq);
  }
  return found;
}

/** A `Welcome` names only rooms of which the user is a member, or becomes one with the next message. */
function findEarlyRooms({ welcome, userId }: SimulatedSocket, model: LiveModel): string[] {
  return [...(welcome ?? [])].flatMap(([roomId, head]) => {
    const messages = model.rooms.get(roomId)?.messages ?? [];
    const changes = messages.map((message) => membershipChange(message as Message));
    const isOwn = (change: (typeof changes)[number]) => change?.userId === userId || change?.userId === 'everyone';
    const next = changes[head];
    const last = changes.slice(0, head).findLast(isOwn);
    const isMember = last?.isMember || (isOwn(next) && next?.isMember);
    return isMember ? [] : [`room ${roomId}: a Welcome at ${head}, before the membership`];
  });
}

/** After all faults, an open socket has everything up to now, has the topics of its rooms, and has a valid token. */
export function findUnfinished(socket: SimulatedSocket, model: LiveModel): string[] {
  const { welcome, messages, userId, topics, tokenId, stream } = socket;
  if (!welcome && !stream) return ['no Welcome'];
  if (model.revoked.has(tokenId)) return ['open after the token was revoked'];
  const rooms = model.roomsOf(userId);
  const found = rooms.flatMap(({ id, messages: stored }) => {
    const lastSeq = stream
      ? stream.last.get(id)
      : (messages.findLast(({ roomId }) => roomId === id)?.seq ?? welcome?.get(id) ?? 0);
    return lastSeq === stored.length ? [] : [`room ${id}: has ${lastSeq} of ${stored.length}`];
  });
  if (stream && !stream.isResumed) found.push('no Resumed');
  if (stream && stream.unanswered.length > 0) found.push(`no answer for ${stream.unanswered}`);
  const expected = rooms.map(({ id }) => id).sort();
  if ([...topics].sort().join() !== expected.join()) found.push(`topics ${[...topics]}, rooms ${expected}`);
  return found;
}

/** A gateway without sockets follows nothing. */
export function findLeaks({ liveRooms }: SimulatedGateway): string[] {
  const { users, sockets, rooms } = liveRooms.counts;
  return users + sockets + rooms === 0 ? [] : [`left: ${users} users, ${sockets} sockets, ${rooms} rooms`];
}
