import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import argon2 from 'argon2';
import type { HashAnswer, HashRequest } from './passwords.ts';

// The process that hashes passwords for one gateway (see passwords.ts). It has the lowest priority, so that logins do
// not delay messages.

/** argon2id as OWASP recommends it: 19 MiB, 2 passes, 1 lane. */
const PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

setPriority(constants.priority.PRIORITY_LOW);
try {
  // Some kernels divide CPU time between sessions, not processes (sched(7), autogroup).
  writeFileSync('/proc/self/autogroup', String(constants.priority.PRIORITY_LOW));
} catch {
  // The kernel has no autogroups. The priority of the process is then enough.
}

process.on('message', (request: HashRequest) => void answer(request));
process.on('disconnect', () => process.exit());
// The gateway decides when this process ends.
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
  if (hash === undefined) return { hash: await argon2.hash(password, PARAMETERS) };
  const isRight = await argon2.verify(hash, password);
  return { isRight, isOld: isRight && argon2.needsRehash(hash, PARAMETERS) };
}
