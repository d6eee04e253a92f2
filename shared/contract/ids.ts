import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { ErrorCode } from './errors.ts';

/** A UUID in upper or lower case. Parsing changes it to lower case, so equal ids are equal strings. */
export const Id = v.pipe(v.string(), v.uuid(), v.toLowerCase());

/** The ids of the two rooms that always exist. Every user is in both, and nobody owns them. */
export const STANDING_ROOM_IDS = ['general', 'announcements'] as const;

/** A text that cannot be the id of a room, a user or a message is refused like an id that does not exist. */
const idOf = (code: ErrorCode) => v.pipe(v.string(), v.toLowerCase(), v.uuid(code));

export const RoomId = v.union([v.picklist(STANDING_ROOM_IDS), idOf('no_such_room')]);
export const UserId = idOf('no_such_user');
export const MessageId = idOf('no_such_message');

/** Makes a UUID of version 7 (RFC 9562). Newer ids sort after older ids, so an index on them grows only at its end. */
export function newId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
