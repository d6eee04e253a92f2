import { randomUUID } from 'node:crypto';
import * as v from 'valibot';

/** A UUID, upper or lower case. It is kept in lower case, so that equal ids are equal strings. */
export const Id = v.pipe(v.string(), v.uuid(), v.toLowerCase());

/** Makes a UUID version 7 (RFC 9562). Later ids sort later, so an index on them grows at one end. */
export function newId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
