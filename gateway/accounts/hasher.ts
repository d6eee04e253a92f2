import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import argon2 from 'argon2';
import bcrypt from 'bcryptjs';
import { HASH_PARAMETERS, hashPassword } from '../../shared/hash-password.ts';
import type { HashAnswer, HashRequest } from './passwords.ts';

// This process hashes passwords for one gateway (see passwords.ts). It has the lowest priority, so that logins do not
// delay messages.

/** The beginning of a hash that the original Go server made, or another program with bcrypt. */
const BCRYPT_PREFIX = /^\$2[aby]\$/;

setPriority(constants.priority.PRIORITY_LOW);
try {
  // Some kernels divide CPU time between process sessions, not between processes (autogroup in sched(7)).
  writeFileSync('/proc/self/autogroup', String(constants.priority.PRIORITY_LOW));
} catch {
  // This kernel has no autogroups, so the priority of the process is enough.
}

process.on('message', (request: HashRequest) => void answer(request));
process.on('disconnect', () => process.exit());
// Only the gateway ends this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);

async function answer(request: HashRequest): Promise<void> {
  const send = (result: Omit<HashAnswer, 'id'>) => process.send?.({ id: request.id, ...result });
  try {
    send(await hashOrVerify(request));
  } catch (error) {
    send({ failure: (error as Error).message });
  }
}

async function hashOrVerify({ password, hash }: HashRequest): Promise<Omit<HashAnswer, 'id'>> {
  if (hash === undefined) return { hash: await hashPassword(password) };
  if (BCRYPT_PREFIX.test(hash)) return verifyBcrypt(hash, password);
  const isRight = await argon2.verify(hash, password);
  return { isRight, isOld: isRight && argon2.needsRehash(hash, HASH_PARAMETERS) };
}

/**
 * Bcrypt ignores everything after the first 72 bytes of a password, here as in Go. If the password is longer, the end
 * that was typed can be wrong. So such a hash is never reported as old: a new hash would make the wrong end necessary.
 */
async function verifyBcrypt(hash: string, password: string): Promise<Omit<HashAnswer, 'id'>> {
  const isRight = await bcrypt.compare(password, hash);
  return { isRight, isOld: isRight && !bcrypt.truncates(password) };
}
