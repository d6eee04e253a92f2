import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../../shared/contract/errors.ts';

/** What `npm run build` makes of shared/client. */
const BUILT_FILE = join(import.meta.dirname, '../../shared/client/dist/rooms.js');

let built: Buffer | undefined;

/** Returns the client library for browsers. @throws Refusal `no_such_route` if it was not built */
export function clientLibrary(): Buffer {
  try {
    built ??= readFileSync(BUILT_FILE);
    return built;
  } catch (error) {
    throw new Refusal('no_such_route', { text: 'the client is not built: npm run build', cause: error });
  }
}
