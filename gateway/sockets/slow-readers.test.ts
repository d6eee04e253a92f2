import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { channelNames } from '../../shared/contract/channels.ts';
import { Client } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';
import { encodeMessages, storeMessage } from '../../test/support/stored-messages.ts';
import { testServices } from '../../test/support/system.ts';
import { until } from '../../test/support/until.ts';

const { gateway, url, database, addUser } = await openTestGateway();

/** Together these are more than the buffers of the kernel and MAX_UNSENT_BYTES. */
const MESSAGES = 80;
const BYTES_OF_MESSAGE = 250_000;

test('a socket whose client does not read is closed, and has received every message before the first missing one', async () => {
  const publisher = new Redis(testServices().redisUrl);
  after(() => publisher.disconnect());
  const ann = await addUser('Ann');
  const [reading, slow] = [await Client.connect(url, ann.token), await Client.connect(url, ann.token)];
  after(() => Promise.all([reading.close(), slow.close()]));
  const { roomId } = await reading.commit({ command: 'CreateRoom', text: 'a room' });
  await slow.waitForMessage({ roomId });
  slow.socket.pause();
  const channel = channelNames(gateway.config.REDIS_PREFIX).room(roomId);
  const text = 'x'.repeat(BYTES_OF_MESSAGE);
  for (let count = 0; count < MESSAGES; count++) {
    const message = await storeMessage(database, { roomId, userId: ann.id, command: 'CreateMessage' });
    await publisher.publish(channel, encodeMessages({ ...message, text }));
    await reading.waitForMessage({ roomId, seq: message.seq });
  }
  // The gateway does not wait until the client reads again: it may never do so.
  await until(() => gateway.liveRooms.counts.sockets === 1);
  slow.socket.resume();
  await slow.until(() => slow.closed ?? slow.messages(roomId).find(({ seq }) => seq === MESSAGES + 1));
  assert.equal(slow.closed?.code, 1006);
  const seqs = slow.seqs(roomId);
  assert.deepEqual(
    seqs,
    Array.from(seqs, (_, index) => index + 1),
  );
  assert.ok(seqs.length <= MESSAGES, `${seqs.length} messages`);
});
