import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import { fnv1a } from '../shared/fnv1a.ts';
import { Client, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

// The worker never answers here, so each of the two commands needs a lane of its own.
const LANES = 64;

const { cluster, database } = await startSystem({
  gateways: 2,
  workers: 1,
  proxyLinks: true,
  env: { LANES: `${LANES}` },
});
const [dying, staying] = cluster.urls as [string, string];

test('members get what was committed just before the worker and the gateway of the sender were killed', async () => {
  const [ann, bob, cyd] = [await createAccount(dying), await createAccount(staying), await createAccount(staying)];
  const sender = await Client.connect(dying, ann.token);
  const [bobClient, cydClient] = [await Client.connect(staying, bob.token), await Client.connect(staying, cyd.token)];
  const { roomId } = await sender.commit({ command: 'CreateRoom', text: 'with Bob' });
  const createRoom = async () => (await sender.commit({ command: 'CreateRoom', text: 'soon with Cyd' })).roomId;
  let newRoomId = await createRoom();
  while (fnv1a(newRoomId) % LANES === fnv1a(roomId) % LANES) newRoomId = await createRoom();
  await sender.commit({ command: 'AddUser', roomId, targetId: bob.id });
  await bobClient.waitForMessage({ roomId, command: 'AddUser' });

  // The worker still takes jobs and writes into Postgres, but it publishes nothing.
  const ofWorker = cluster.links.find(({ clients }) => clients === undefined);
  assert.equal(
    ofWorker?.redis.cut('deaf', ({ kind }) => kind === 'producer'),
    1,
  );
  const refs = [newId(), newId()];
  sender.send({ command: 'CreateMessage', roomId, text: 'the last words', ref: refs[0] });
  sender.send({ command: 'AddUser', roomId: newRoomId, targetId: cyd.id, ref: refs[1] });
  const countStored = async () => (await database`select from messages where ref in ${database(refs)}`).length;
  await until(async () => (await countStored()) === 2);
  const ofDying = cluster.links.find(({ clients }) => clients?.url === dying);
  for (const links of [ofWorker, ofDying]) process.kill(links?.process.pid as number, 'SIGKILL');

  await bobClient.waitForMessage({ roomId, text: 'the last words' });
  // No socket of the other gateway was in this room, so that gateway did not follow it.
  await cydClient.waitForMessage({ roomId: newRoomId, command: 'AddUser', targetId: cyd.id });
});
