import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';
import { until } from '../../test/support/until.ts';
import { AttachTurns } from './attach-turns.ts';

const MANY = 500;

test('of many attaches that come at once, few start immediately, and all of them in their order', async () => {
  const turns = new AttachTurns();
  const started: number[] = [];
  const startedNow = () => started.length;
  for (let index = 0; index < MANY; index++) void turns.run(async () => started.push(index));
  await Promise.resolve();
  assert.ok(startedNow() > 0 && startedNow() < 100, `${startedNow()} have started`);
  let most = 0;
  let before = startedNow();
  while (startedNow() < MANY) {
    await new Promise(setImmediate);
    most = Math.max(most, startedNow() - before);
    before = startedNow();
  }
  assert.ok(most < 100, `${most} started in one turn of the event loop`);
  assert.deepEqual(
    started,
    Array.from({ length: MANY }, (_, index) => index),
  );
});

test('attaches that wait for an answer do not delay the others', async () => {
  const turns = new AttachTurns();
  const { promise: answer, resolve } = Promise.withResolvers<void>();
  const first = Array.from({ length: MANY }, () => turns.run(() => answer));
  assert.equal(await turns.run(async () => 'done'), 'done');
  resolve();
  await Promise.all(first);
});

test('one attach more than the limit is refused as busy, until another one has ended or failed', async () => {
  const { MAX_ATTACHING_SOCKETS } = limits;
  Object.assign(limits, { MAX_ATTACHING_SOCKETS: 2 });
  try {
    const turns = new AttachTurns();
    const { promise: answer, reject } = Promise.withResolvers<void>();
    const running = [turns.run(() => answer), turns.run(() => answer)];
    await assert.rejects(
      turns.run(async () => 'refused'),
      new Refusal('busy'),
    );
    reject(new Error('no answer'));
    await Promise.allSettled(running);
    await until(async () => (await turns.run(async () => 'done')) === 'done');
  } finally {
    Object.assign(limits, { MAX_ATTACHING_SOCKETS });
  }
});
