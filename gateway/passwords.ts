import argon2 from 'argon2';
import { Refusal } from '../shared/errors.ts';

/** argon2id as OWASP recommends it: 19 MiB, 2 passes, 1 lane. */
const PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Hashes at once, in libuv's threads; the sockets share the cores with them. */
const MOST_AT_ONCE = 2;
const MOST_WAITING = 64;

let atWork = 0;
const waiting: (() => void)[] = [];

/** @throws Refusal `busy` when too many wait already */
export function hashPassword(password: string): Promise<string> {
  return inTurn(() => argon2.hash(password, PARAMETERS));
}

const hashOfNobody = await argon2.hash('nobody', PARAMETERS);

/**
 * Whether the password is that of the hash. Without a hash it takes as long and is false, so that the time of an
 * answer does not tell whether there is such an account.
 * @throws Refusal `busy` when too many wait already
 */
export async function verifyPassword(hash: string | undefined, password: string): Promise<boolean> {
  const compared = hash ?? hashOfNobody;
  const same = await inTurn(() => argon2.verify(compared, password));
  return same && hash !== undefined;
}

/** Whether a hash was made with parameters that are no longer those of today. */
export function needsRehash(hash: string): boolean {
  return argon2.needsRehash(hash, PARAMETERS);
}

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (waiting.length >= MOST_WAITING) throw new Refusal('busy');
  if (atWork >= MOST_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else atWork++;
  try {
    return await work();
  } finally {
    // The place goes straight to the next one who waits.
    const next = waiting.shift();
    if (next) next();
    else atWork--;
  }
}
