import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { channelNames, encodeBroadcast } from '../shared/contract/channels.ts';
import { newId } from '../shared/contract/ids.ts';
import { Client, call, createAccount } from './support/client.ts';
import { startSystem, testServices } from './support/system.ts';

const { redisUrl } = testServices();
const { cluster, database } = await startSystem({ gateways: 2, workers: 2 });
const [here, there] = cluster.urls as [string, string];
const ann = await createAccount(here, 'Ann');
const bob = await createAccount(there, 'Bob');

/** A room of Ann's and Bob's, each with a socket on a gateway of his own. */
async function scene() {
  const speaker = await Client.connect(here, ann.token);
  const listener = await Client.connect(there, bob.token);
  const { roomId } = await speaker.ask({ command: 'CreateRoom', text: 'a room' });
  await speaker.ask({ command: 'AddUser', roomId, targetId: bob.id });
  await listener.frame((frame) => frame.roomId === roomId);
  const say = (text: string) => speaker.ask({ command: 'CreateMessage', roomId, text });
  return { speaker, listener, roomId, say };
}

async function assertExact(roomId: string, listener: Client, messages: number): Promise<void> {
  const rows = await database`select seq from messages where room_id = ${roomId} order by seq`;
  const all = Array.from({ length: messages + 2 }, (_, index) => index + 1);
  assert.deepEqual(
    rows.map(({ seq }) => seq),
    all,
  );
  await listener.until(() => (listener.seqs(roomId).includes(messages + 2) ? true : undefined));
  assert.deepEqual(listener.seqs(roomId), all.slice(1));
}

test('a worker killed in the middle loses nothing and doubles nothing', async () => {
  const { speaker, listener, roomId, say } = await scene();
  const acks = Array.from({ length: 400 }, async (_, index) => {
    if (index === 200) process.kill(cluster.workers[0]?.pid as number, 'SIGKILL');
    return say(`message ${index}`);
  });
  const seqs = (await Promise.all(acks)).map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    seqs.toSorted((a, b) => a - b),
  );
  await assertExact(roomId, listener, 400);
  await Promise.all([speaker.close(), listener.close()]);
  cluster.startWorker();
});

test('a worker that sleeps through its jobs and wakes later changes nothing any more', async () => {
  const { speaker, listener, roomId, say } = await scene();
  const sleepers = cluster.workers.map(({ pid }) => pid).filter((pid) => existsSync(`/proc/${pid}`));
  const acks = Array.from({ length: 50 }, (_, index) => say(`message ${index}`));
  await acks[0];
  // The next batch is with one of them now.
  for (const pid of sleepers) process.kill(pid, 'SIGSTOP');
  cluster.startWorker();
  const commands = (await Promise.all(acks)).map(({ command }) => command);
  assert.deepEqual([...new Set(commands)], ['Ack']);
  for (const pid of sleepers) process.kill(pid, 'SIGCONT');
  for (let index = 50; index < 60; index++) await say(`message ${index}`);
  await assertExact(roomId, listener, 60);
  await Promise.all([speaker.close(), listener.close()]);
});

test('with every worker away a command waits, and is done when one comes back', async () => {
  const { speaker, listener, roomId, say } = await scene();
  await Promise.all(cluster.workers.map((worker) => worker.stop()));
  const ack = say('patience');
  await wait(100);
  assert.equal(
    speaker.frames.some(({ text }) => text === 'patience'),
    false,
  );
  cluster.startWorker();
  assert.equal((await ack).command, 'Ack');
  await assertExact(roomId, listener, 1);
  await Promise.all([speaker.close(), listener.close()]);
});

test('connections to Postgres that die under the workers lose nothing and double nothing', async () => {
  const { speaker, listener, roomId, say } = await scene();
  let killed = 0;
  const killer = setInterval(async () => {
    const victims = await database`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'rooms-workers' and random() < 0.5`;
    killed += victims.length;
  }, 15);
  try {
    for (let round = 0; round < 40; round++) {
      await Promise.all([say(`message ${round}.a`), say(`message ${round}.b`)]);
    }
  } finally {
    clearInterval(killer);
  }
  assert.ok(killed > 5, `only ${killed} connections were ended`);
  await assertExact(roomId, listener, 80);
  await Promise.all([speaker.close(), listener.close()]);
});

test('publications that were lost are noticed and delivered, and so is being added', async () => {
  const { speaker, listener, roomId, say } = await scene();
  const redis = new Redis(redisUrl);
  const cyd = await createAccount(there, 'Cyd');
  const newcomer = await Client.connect(there, cyd.token);
  // The gateways come back at once, but what is published until then is gone.
  for (let round = 0; round < 5; round++) {
    const acks = Array.from({ length: 20 }, (_, index) => say(`message ${round}.${index}`));
    await redis.client('KILL', 'TYPE', 'PUBSUB');
    await Promise.all(acks);
  }
  const added = speaker.ask({ command: 'AddUser', roomId, targetId: cyd.id });
  await redis.client('KILL', 'TYPE', 'PUBSUB');
  await added;
  await newcomer.frame(({ command, targetId }) => command === 'AddUser' && targetId === cyd.id);
  await say('welcome');
  await newcomer.frame(({ text }) => text === 'welcome');
  assert.deepEqual(newcomer.seqs(roomId), [103, 104]);
  await assertExact(roomId, listener, 102);
  await Promise.all([speaker.close(), listener.close(), newcomer.close()]);
  redis.disconnect();
});

test('what a worker stored but never published is delivered when another says how far the room is', async () => {
  const { speaker, listener, roomId } = await scene();
  const redis = new Redis(redisUrl);
  const deadline = new Date(Date.now() + 10_000).toISOString();
  const command = { id: newId(), ref: newId(), deadline, command: 'CreateMessage', actorId: ann.id, roomId };
  const batch = [{ ...command, targetId: roomId, text: 'unheard of' }];
  await database`select * from apply_room_commands(${newId()}, 1, ${database.json(batch)}, false)`;
  const head = encodeBroadcast({ head: 3, changes: [], records: [] });
  await redis.publish(channelNames(cluster.prefix).room(roomId), head);
  await listener.frame(({ text }) => text === 'unheard of');
  await assertExact(roomId, listener, 1);
  await Promise.all([speaker.close(), listener.close()]);
  redis.disconnect();
});

test('the same ref after an unknown end, on another gateway, has one effect', async () => {
  const { speaker, listener, roomId } = await scene();
  const dying = await cluster.startGateway();
  const client = await Client.connect(dying, ann.token);
  const ref = crypto.randomUUID();
  const message = { command: 'CreateMessage', roomId, text: 'did it arrive?', ref };
  client.send(message);
  process.kill(cluster.gateways.at(-1)?.pid as number, 'SIGKILL');
  await client.until(() => client.closed);
  const first = await speaker.ask(message);
  const second = await call(there, `POST /api/messages/${roomId}`, {
    token: ann.token,
    body: { text: message.text },
    headers: { 'idempotency-key': ref },
  });
  assert.deepEqual([first.command, second.body.seq], ['Ack', first.seq]);
  await assertExact(roomId, listener, 1);
  await Promise.all([speaker.close(), listener.close()]);
});

test('a gateway that stops gives open commands their outcome and tells its sockets to come again', async () => {
  const { speaker, listener, roomId } = await scene();
  const stopping = await cluster.startGateway();
  const client = await Client.connect(stopping, ann.token);
  for (let index = 0; index < 50; index++) client.send({ command: 'CreateMessage', roomId, text: `last ${index}` });
  await client.frame(({ command }) => command === 'Ack');
  await cluster.gateways.at(-1)?.stop();
  await client.until(() => client.closed);
  assert.deepEqual(client.closed, { code: 4000, reason: 'going away' });
  const acks = client.frames.filter(({ command }) => command === 'Ack');
  await assertExact(roomId, listener, acks.length);
  await Promise.all([speaker.close(), listener.close()]);
});
