import { randomBytes } from 'node:crypto';
import argon2 from 'argon2';

/** The parameters of argon2id that OWASP recommends: 19 MiB of memory, 2 passes, parallelism 1. */
export const HASH_PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Hashes a password in the form in which it is stored. This takes about 25 ms of a core. */
export function hashPassword(password: string): Promise<string> {
  return argon2.hash(password, HASH_PARAMETERS);
}

/** @returns a hash that no password has. A comparison with it takes as long as one with a stored hash. */
export function impossibleHash(): string {
  const { memoryCost, timeCost, parallelism } = HASH_PARAMETERS;
  const encode = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${encode(16)}$${encode(32)}`;
}
