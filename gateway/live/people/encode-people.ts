import { limits } from '../../../shared/contract/limits.ts';
import type { Presence, TypingUsers } from '../../../shared/contract/people.ts';

/** The topic of the sockets that watch the room. The topic of its messages is its id. */
export function peopleTopic(roomId: string): string {
  return `people:${roomId}`;
}

export function encodeState(roomId: string, shown: ReadonlySet<string>): string {
  const users = firstOf(shown, limits.MAX_SHOWN_USERS);
  const frame: Presence = { command: 'Presence', roomId, online: shown.size, users };
  return JSON.stringify(frame);
}

/** With very many changes, a new state is shorter. */
export function encodeChange(roomId: string, shown: ReadonlySet<string>, came: string[], went: string[]): string {
  if (came.length + went.length > limits.MAX_SHOWN_USERS) return encodeState(roomId, shown);
  const frame: Presence = { command: 'Presence', roomId, online: shown.size, came, went };
  return JSON.stringify(frame);
}

export function encodeTyping(roomId: string, users: string[]): string {
  const frame: TypingUsers = { command: 'Typing', roomId, users };
  return JSON.stringify(frame);
}

export function firstOf(users: ReadonlySet<string>, count: number): string[] {
  const first: string[] = [];
  for (const userId of users) {
    if (first.length === count) break;
    first.push(userId);
  }
  return first;
}
