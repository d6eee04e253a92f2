import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { channelNames, encodeBroadcasts } from '../../../shared/contract/channels.ts';
import { newId } from '../../../shared/contract/ids.ts';
import { createLog } from '../../../shared/log.ts';
import { createMetrics } from '../../../shared/metrics.ts';
import { PayloadReader } from '../../../shared/payloads.ts';
import { testServices } from '../../../test/support/system.ts';
import { until } from '../../../test/support/until.ts';
import { Subscriber } from '../subscriber.ts';
import { RoomChannels } from './room-channels.ts';

const { redisUrl } = testServices();
const publisher = new Redis(redisUrl);
const redis = new Redis(redisUrl, { autoResubscribe: false });
const log = createLog('test', 'silent');
const subscriber = new Subscriber({ redis, onResubscribed: () => undefined, onSilent: () => undefined, log });
const names = channelNames(`rooms-${newId()}`);
const received: string[] = [];
const channels = new RoomChannels({
  subscriber,
  names,
  payloads: new PayloadReader(createMetrics(), log),
  receive: ({ roomId }) => received.push(roomId),
});
after(() => {
  subscriber.close();
  publisher.disconnect();
});

const announce = (roomId: string) =>
  publisher.publish(names.room(roomId), encodeBroadcasts([{ roomId, head: 1, changes: [], records: [] }]));

/** Two rooms with the same channel. */
function createNeighbours(): [string, string] {
  const roomId = newId();
  for (;;) {
    const other = newId();
    if (names.room(other) === names.room(roomId)) return [roomId, other];
  }
}

test('a channel stays subscribed while any of its rooms is retained', async () => {
  const [first, second] = createNeighbours();
  await Promise.all([channels.retain(first), channels.retain(second)]);
  channels.release(first);
  assert.equal(await announce(second), 1, 'one gateway receives the publication');
  await until(() => received.includes(second));
  channels.release(second);
  await until(async () => (await announce(second)) === 0);
});

test('each broadcast of a channel is received once, however many of its rooms are retained', async () => {
  const [first, second] = createNeighbours();
  await Promise.all([channels.retain(first), channels.retain(second)]);
  await announce(first);
  await announce(second);
  await until(() => received.includes(second));
  assert.deepEqual(received.slice(-2), [first, second]);
  for (const roomId of [first, second]) channels.release(roomId);
});

test('after a failed subscription, the next room of the channel subscribes again', async () => {
  const [first, second] = createNeighbours();
  redis.disconnect();
  await assert.rejects(channels.retain(first));
  await redis.connect();
  await channels.retain(second);
  assert.equal(await announce(second), 1, 'one gateway receives the publication');
});
