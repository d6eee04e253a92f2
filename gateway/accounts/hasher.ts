import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import argon2 from 'argon2';
import type { Answer, Question } from './passwords.ts';

// The process in which a gateway has its passwords hashed (see passwords.ts). It takes of the cores what nobody else
// wants, so however many log in, what goes over the sockets comes first.

/** argon2id as OWASP recommends it: 19 MiB, 2 passes, 1 lane. */
const PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

setPriority(constants.priority.PRIORITY_LOW);
try {
  // Where the kernel weighs sessions, not processes (sched(7), autogroup).
  writeFileSync('/proc/self/autogroup', String(constants.priority.PRIORITY_LOW));
} catch {
  // Where it does not, the line before was enough.
}

process.on('message', (question: Question) => void answer(question));
process.on('disconnect', () => process.exit());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined); // the gateway says when

async function answer(question: Question): Promise<void> {
  const reply = (answered: Omit<Answer, 'id'>) => process.send?.({ id: question.id, ...answered });
  try {
    reply(await work(question));
  } catch (error) {
    reply({ failure: (error as Error).message });
  }
}

async function work({ password, hash }: Question): Promise<Omit<Answer, 'id'>> {
  if (hash === undefined) return { hash: await argon2.hash(password, PARAMETERS) };
  const isRight = await argon2.verify(hash, password);
  return { isRight, isOld: isRight && argon2.needsRehash(hash, PARAMETERS) };
}
