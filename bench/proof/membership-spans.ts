import { type History, rowsOfRooms } from './history.ts';

/** A user was a member from the message `from` to the message `to`, with both. Without `to`, the user still is. */
export interface MembershipSpan {
  roomId: string;
  userId: string;
  from: number;
  to: number | undefined;
}

/** Folds the messages of all rooms into the memberships that they made and ended. */
export function findMemberships(history: History): MembershipSpan[] {
  const spans: MembershipSpan[] = [];
  for (const [roomId, rows] of rowsOfRooms(history)) {
    const open = new Map<string, MembershipSpan>();
    for (const { seq, command, userId, targetId } of rows) {
      const joins = command === 'CreateRoom' ? userId : command === 'AddUser' ? targetId : undefined;
      if (joins) {
        const span = { roomId, userId: joins, from: seq, to: undefined };
        open.set(joins, span);
        spans.push(span);
      }
      if (command !== 'RemoveUser') continue;
      const ended = open.get(targetId);
      if (ended) ended.to = seq;
      open.delete(targetId);
    }
  }
  return spans;
}
