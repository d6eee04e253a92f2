import { randomUUID } from 'node:crypto';
import * as v from 'valibot';

/** A UUID in any case; kept in lower case, so that equal ids are equal strings. */
export const Id = v.pipe(v.string(), v.uuid(), v.toLowerCase());

/** A new UUID version 7 (RFC 9562): ids made later sort later, so that indexes on them grow at one end. */
export function newId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
