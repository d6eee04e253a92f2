import type { ShownMessage } from './chunks.ts';

/** A message of the same author within this time stands without the name of the author. */
const GROUP_MS = 5 * 60_000;

/** True for a text that a user wrote, and false for an event such as "Bob joined the room". */
export function isWritten(message: ShownMessage): boolean {
  if (!('id' in message)) return true;
  return ['CreateMessage', 'UpdateMessage', 'DeleteMessage'].includes(message.command);
}

export function isDeleted(message: ShownMessage): boolean {
  return 'id' in message && message.command === 'DeleteMessage';
}

export function isEdited(message: ShownMessage): boolean {
  return 'id' in message && message.command === 'UpdateMessage';
}

/** True if the name of the author is shown only at an earlier message. */
export function continuesGroup(message: ShownMessage, before: ShownMessage | undefined, ownId: string): boolean {
  if (!before || !isWritten(message) || !isWritten(before) || startsDay(message, before)) return false;
  return authorOf(message, ownId) === authorOf(before, ownId) && timeOf(message) - timeOf(before) < GROUP_MS;
}

/** True if a line with the day stands before this message. */
export function startsDay(message: ShownMessage, before: ShownMessage | undefined): boolean {
  return dayOf(message) !== (before && dayOf(before));
}

/** A message without an id is one that the user of this page has just written. */
export function authorOf(message: ShownMessage, ownId: string): string {
  return 'id' in message ? message.userId : ownId;
}

export function timeOf(message: ShownMessage): number {
  return 'id' in message ? Date.parse(message.createdAt) : Date.now();
}

const dayOf = (message: ShownMessage) => new Date(timeOf(message)).toDateString();
