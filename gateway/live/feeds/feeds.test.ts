import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Redis } from 'ioredis';
import { channelNames } from '../../../shared/contract/channels.ts';
import { newId } from '../../../shared/contract/ids.ts';
import type { Message } from '../../../shared/contract/messages.ts';
import { createLog } from '../../../shared/log.ts';
import { createMetrics } from '../../../shared/metrics.ts';
import { PayloadReader } from '../../../shared/payloads.ts';
import { encodeMessages } from '../../../test/support/stored-messages.ts';
import { testServices } from '../../../test/support/system.ts';
import { until } from '../../../test/support/until.ts';
import { Subscriber } from '../subscriber.ts';
import { Feeds } from './feeds.ts';

const { redisUrl } = testServices();
const log = createLog('test', 'silent');
const names = channelNames(`rooms-${newId()}`);
const publisher = new Redis(redisUrl);
after(() => publisher.disconnect());
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** The feeds of one gateway, and a room whose last message is number 4. */
async function openRoom(lingerMs: number) {
  const [roomId, delivered] = [newId(), [] as number[]];
  const subscriber = new Subscriber({
    ...{ redis: new Redis(redisUrl, { autoResubscribe: false }), log },
    ...{ onResubscribed: () => undefined, onSilent: () => undefined },
  });
  const feeds = new Feeds({
    ...{ subscriber, names, lingerMs, log, payloads: new PayloadReader(createMetrics(), log) },
    reads: { messagesAfter: async () => [] },
    listener: { deliver: (_, record) => delivered.push(JSON.parse(record).seq) },
    onMissing: () => undefined,
  });
  closers.push(
    () => feeds.close(),
    () => subscriber.close(),
  );
  const publish = async (seq: number) => {
    const at = new Date(seq).toISOString();
    const fields = { id: newId(), userId: newId(), command: 'CreateMessage', targetId: roomId, ref: newId() } as const;
    const message: Message = { ...fields, roomId, seq, text: `text ${seq}`, createdAt: at, updatedAt: at };
    await publisher.publish(names.room(roomId), encodeMessages(message));
  };
  await feeds.retain(roomId);
  feeds.start(roomId, 4);
  const seqsAfter = (seq: number) => feeds.recordsAfter(roomId, seq)?.map((record) => JSON.parse(record).seq);
  return { feeds, roomId, delivered, publish, seqsAfter };
}

test('a feed has the records that it has delivered, and no earlier ones', async () => {
  const { delivered, publish, seqsAfter } = await openRoom(0);
  assert.deepEqual(seqsAfter(4), []);
  await publish(5);
  await publish(6);
  await until(() => delivered.length === 2);
  assert.deepEqual([seqsAfter(4), seqsAfter(5), seqsAfter(6)], [[5, 6], [6], []]);
  assert.deepEqual([seqsAfter(3), seqsAfter(7)], [undefined, undefined]);
});

test('after the last member has left, a room is followed for a while', async () => {
  const { feeds, roomId, delivered, publish, seqsAfter } = await openRoom(60_000);
  await publish(5);
  await until(() => delivered.length === 1);
  feeds.release(roomId);
  assert.equal(feeds.count, 0);
  await publish(6);
  await until(() => delivered.length === 2);
  assert.deepEqual([feeds.count, seqsAfter(4)], [0, [5, 6]]);
  await feeds.retain(roomId);
  assert.equal(feeds.count, 1);
  feeds.release(roomId);
  feeds.close();
  assert.equal(seqsAfter(4), undefined);
});

test('a room without a message since its feed began is not followed after the last member has left', async () => {
  const { feeds, roomId, seqsAfter } = await openRoom(60_000);
  feeds.release(roomId);
  assert.equal(seqsAfter(4), undefined);
});
