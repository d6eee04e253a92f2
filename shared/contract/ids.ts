import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { ErrorCode } from './errors.ts';

/**
 * The ids of the two standing rooms, and the UUIDs that Postgres stores for them (docs/decisions/0006). Every user is in
 * both rooms, and nobody owns them.
 */
export const standingRooms = {
  general: '00000000-0000-0000-0000-000000000001',
  announcements: '00000000-0000-0000-0000-000000000002',
} as const;

export const standingRoomIds = Object.keys(standingRooms) as (keyof typeof standingRooms)[];

/** A UUID. The UUIDs of the standing rooms are not ids: no text from outside may stand for such a room. */
const UUID = `(?!${Object.values(standingRooms).join('|')})[\\da-fA-F]{8}(?:-[\\da-fA-F]{4}){3}-[\\da-fA-F]{12}`;
const UUID_OR_STANDING_ROOM = `${standingRoomIds.join('|')}|${UUID}`;

/** Parsing changes an id to lower case, so equal ids are equal strings. */
const id = (pattern: string, message?: ErrorCode) =>
  v.pipe(v.string(), v.regex(new RegExp(`^(?:${pattern})$`), message), v.toLowerCase());

/** A UUID in upper or lower case. */
export const Id = id(UUID);

// A text that cannot be the id of a room, a user or a message is refused like an id that does not exist.
export const RoomId = id(UUID_OR_STANDING_ROOM, 'no_such_room');
export const UserId = id(UUID, 'no_such_user');
export const MessageId = id(UUID, 'no_such_message');

/** The id of a room, a user or a message, as Rooms sends it. */
export const AnyId = id(UUID_OR_STANDING_ROOM);

/** Makes a UUID of version 7 (RFC 9562). Newer ids sort after older ids, so an index on them grows only at its end. */
export function newId(): string {
  const nowMs = Date.now();
  if (nowMs !== idTimeMs) {
    const time = nowMs.toString(16).padStart(12, '0');
    idTimeMs = nowMs;
    idStart = `${time.slice(0, 8)}-${time.slice(8)}-7`;
  }
  return idStart + randomUUID().slice(15);
}

/** The first characters of the ids of one millisecond. Under load, a millisecond has many ids. */
let idStart = '';
let idTimeMs = Number.NaN;
