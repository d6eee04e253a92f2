import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { newId } from '../../../shared/contract/ids.ts';
import type { Message } from '../../../shared/contract/messages.ts';
import { createLog } from '../../../shared/log.ts';
import { Feed } from './feed.ts';
import { RecentMemory } from './recent-memory.ts';

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

const roomId = newId();
const record = (text: string) => JSON.stringify({ text });
const broadcast = (head: number, ...texts: string[]) => ({ roomId, head, changes: [], records: texts.map(record) });

/** A feed that has delivered message 7, and the database that it reads. */
function openFeed() {
  const seen = { reads: 0, missing: 0, delivered: [] as string[], stored: [] as Message[] };
  const messagesAfter = async (_: string, seq: number) => {
    seen.reads++;
    return seen.stored.filter((message) => message.seq > seq);
  };
  const listener = { deliver: (_: string, text: string) => seen.delivered.push(JSON.parse(text).text) };
  const onMissing = () => seen.missing++;
  const unused = { onIdle: () => undefined, onClose: () => undefined, log: createLog('test', 'silent') };
  const options = { reads: { messagesAfter }, listener, recent: new RecentMemory(), onMissing, ...unused };
  const feed = new Feed(roomId, Promise.resolve(), options);
  feed.retain();
  feed.start(7);
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 10) {
      mock.timers.tick(10);
      await tick();
    }
  };
  return { feed, seen, pass };
}

test('a feed reads an announced message that does not exist ten times in six seconds, and then reports it once', async () => {
  const { feed, seen, pass } = openFeed();
  feed.receive(broadcast(9));
  await pass(6_000);
  assert.equal(seen.reads, 10);
  await pass(60_000);
  assert.deepEqual([seen.reads, seen.missing], [10, 1]);
  feed.receive(broadcast(8, 'eight'));
  assert.deepEqual(seen.delivered, ['eight']);
});

test('a message that waits for one that Postgres does not have is dropped, so that its number can be used again', async () => {
  const { feed, seen, pass } = openFeed();
  feed.receive(broadcast(9, 'nine, before Postgres went back'));
  await pass(100);
  feed.receive(broadcast(8, 'eight'));
  feed.receive(broadcast(9, 'nine'));
  assert.deepEqual(seen.delivered, ['eight', 'nine']);
});

test('after a read that found nothing, a message that is stored later is read', async () => {
  const { feed, seen, pass } = openFeed();
  feed.receive(broadcast(8));
  await pass(500);
  const fields = { id: newId(), userId: newId(), command: 'CreateMessage', targetId: roomId, ref: newId() } as const;
  const at = new Date(0).toISOString();
  seen.stored.push({ ...fields, roomId, seq: 8, text: 'eight', createdAt: at, updatedAt: at });
  await pass(1_000);
  assert.deepEqual(seen.delivered, ['eight']);
});

test('a closed feed delivers nothing of the read that it has begun', async () => {
  const { feed, seen } = openFeed();
  seen.stored.push({ seq: 8 } as Message);
  const reading = feed.catchUp();
  feed.close();
  await reading;
  assert.deepEqual(seen.delivered, []);
});
