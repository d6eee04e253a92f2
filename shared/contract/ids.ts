import { randomUUID } from 'node:crypto';
import * as v from 'valibot';

/** A UUID in upper or lower case. Parsing changes it to lower case, so equal ids are equal strings. */
export const Id = v.pipe(v.string(), v.uuid(), v.toLowerCase());

/** Makes a UUID of version 7 (RFC 9562). Newer ids sort after older ids, so an index on them grows only at its end. */
export function newId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
