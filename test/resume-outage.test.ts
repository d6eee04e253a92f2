import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Room } from '../shared/contract/answers.ts';
import type { Link } from '../shared/local/link.ts';
import { bodyOf } from './support/answer-checks.ts';
import { Client, call, createAccount } from './support/client.ts';
import { storeMany } from './support/many-messages.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';
import { from } from './support/whole-numbers.ts';

// A gateway does not reach Postgres while clients resume there. The workers reach it.

const { cluster, database, databaseUrl } = await startSystem({ gateways: 1, workers: 1, proxyLinks: true });
const [url] = cluster.urls as [string];
const [gateway] = cluster.gateways as [(typeof cluster.gateways)[number]];
const postgres = cluster.links.find(({ process }) => process === gateway)?.postgres ?? assert.fail();
/** Nothing listens there: new connections are refused, as when Postgres is stopped. */
const STOPPED_URL = 'postgres://127.0.0.1:1';
const FAILED_READ = 'a replay could not read';
/** Some of the pages of a replay. All of them are 8 MB. */
const BYTES_BEFORE_OUTAGE = 1_000_000;
/** The gateway finds silent connections in seven seconds. The tests wait longer: others use the same machine. */
const MAX_WAIT_MS = 40_000;

/** How a gateway loses Postgres. It gets it back with `bringBack`. */
const outages = {
  'is stopped': () => {
    postgres.target = STOPPED_URL;
    postgres.cut('rst');
  },
  'is silent': () => {
    const open = new Set(postgres.links);
    postgres.cut('deaf');
    postgres.cut('accept-deaf', (link) => !open.has(link));
  },
};

function bringBack(): void {
  postgres.heal();
  postgres.target = databaseUrl;
}

const ann = await createAccount(url, 'Ann');
afterEach(bringBack);

/** Makes a room of Ann and a new member with very many messages. The gateway has none of them in memory. */
async function openLongRoom() {
  const member = await createAccount(url, 'Bob');
  const room = await call(url, 'POST /api/rooms', { token: ann.token, body: { name: 'a room' } });
  const { id: roomId } = bodyOf(Room, room, 201);
  await call(url, `POST /api/rooms/${roomId}/users/${member.id}`, { token: ann.token });
  const head = await storeMany(roomId, ann.id, database);
  const writer = await Client.connect(url, ann.token);
  after(() => writer.close());
  const { epoch } = writer.welcome;
  const write = async (text: string) => (await writer.commit({ command: 'CreateMessage', roomId, text })).seq;
  return { member, roomId, head, resume: { epoch, rooms: { [roomId]: 2 } }, write };
}

const countFailedReads = () => cluster.logOf(gateway).split(FAILED_READ).length - 1;
const isResumed = (client: Client) => client.until(() => client.frames.find(({ command }) => command === 'Resumed'));

for (const [name, begin] of Object.entries(outages)) {
  test(`while Postgres ${name}, a replay and a client that comes back wait, and then get everything once`, async () => {
    const { member, roomId, head, resume, write } = await openLongRoom();
    const failedReads = countFailedReads();
    const began = Promise.withResolvers<void>();
    let bytesOfPages = 0;
    postgres.onReply = (bytes) => {
      bytesOfPages += bytes.length;
      if (bytesOfPages < BYTES_BEFORE_OUTAGE) return bytes;
      postgres.onReply = undefined;
      begin();
      began.resolve();
      return bytes;
    };
    const client = await Client.openResuming(url, member.token);
    client.send({ command: 'Resume', ...resume });
    await began.promise;
    const refused = await Client.resume(url, member.token, resume);
    assert.equal((await refused.waitForClose()).code, 4100);
    await until(() => countFailedReads() > failedReads, MAX_WAIT_MS);
    assert.equal(await write('meanwhile'), head + 1);
    assert.deepEqual([refused.seqs(roomId), client.seqs(roomId).includes(head)], [[], false]);

    bringBack();
    await until(() => client.seqs(roomId).at(-1) === head + 1, MAX_WAIT_MS);
    await isResumed(client);
    assert.deepEqual(client.seqs(roomId), from(3, head + 1));
    const back = await Client.resume(url, member.token, resume);
    assert.deepEqual(back.seqs(roomId), from(3, head + 1));
    await write('afterwards');
    for (const each of [client, back]) {
      assert.equal((await each.waitForMessage({ roomId, text: 'afterwards' })).seq, head + 2);
      await each.close();
    }
  });
}

test('a read of one user without an answer does not delay the replay of another user', async () => {
  const [slow, other] = [await openLongRoom(), await openLongRoom()];
  const held = Promise.withResolvers<Link>();
  postgres.onRequest = (bytes, link) => {
    // A page of this room alone. The other statements name several rooms.
    if (!bytes.includes(`{${slow.roomId}}`)) return bytes;
    postgres.onRequest = undefined;
    link.deafen();
    held.resolve(link);
    return undefined;
  };
  const waiting = await Client.openResuming(url, slow.member.token);
  waiting.send({ command: 'Resume', ...slow.resume });
  const link = await held.promise;
  const client = await Client.resume(url, other.member.token, other.resume);
  assert.deepEqual(client.seqs(other.roomId), from(3, other.head));
  assert.deepEqual(waiting.seqs(slow.roomId), []);
  postgres.cut('rst', (each) => each === link);
  await isResumed(waiting);
  assert.deepEqual(waiting.seqs(slow.roomId), from(3, slow.head));
  await Promise.all([client.close(), waiting.close()]);
});
