import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { channelNames, encodeBroadcast } from '../shared/contract/channels.ts';
import { newId } from '../shared/contract/ids.ts';
import { Message } from '../shared/contract/messages.ts';
import { bodyOf } from './support/answers.ts';
import { type Account, Client, call, createAccount } from './support/client.ts';
import { startSystem, testServices } from './support/system.ts';
import { until } from './support/until.ts';

const { cluster, database } = await startSystem({ gateways: 2, workers: 2 });
const [gatewayA, gatewayB] = cluster.urls as [string, string];
const ann = await createAccount(gatewayA, 'Ann');
const bob = await createAccount(gatewayB, 'Bob');
const redis = new Redis(testServices().redisUrl);
after(() => redis.disconnect());

async function connect(url: string, { token }: Account): Promise<Client> {
  const client = await Client.connect(url, token);
  after(() => client.close());
  return client;
}

/** A room in which Ann (the sender) and Bob (the receiver) each have a socket, on different gateways. */
async function createScene() {
  const [sender, receiver] = [await connect(gatewayA, ann), await connect(gatewayB, bob)];
  const { roomId } = await sender.commit({ command: 'CreateRoom', text: 'a room' });
  await sender.commit({ command: 'AddUser', roomId, targetId: bob.id });
  await receiver.message({ roomId });
  const write = (text: string) => sender.commit({ command: 'CreateMessage', roomId, text });
  return { sender, receiver, roomId, write };
}

/**
 * Asserts that `messages` messages are stored and delivered once and in order, after the creation and Bob's addition.
 * One more message closes the stream: a second delivery of an earlier message would arrive before it.
 */
async function assertExact({ sender, receiver, roomId }: Awaited<ReturnType<typeof createScene>>, messages: number) {
  const { seq: last } = await sender.commit({ command: 'CreateMessage', roomId, text: 'closing marker' });
  const rows = await database`select seq from messages where room_id = ${roomId} order by seq`;
  const expected = Array.from({ length: messages + 3 }, (_, index) => index + 1);
  assert.deepEqual(
    rows.map(({ seq }) => seq),
    expected,
  );
  await receiver.message({ roomId, seq: last });
  assert.deepEqual(receiver.seqs(roomId), expected.slice(1));
}

test('a worker killed in the middle of 400 messages loses none and doubles none', async () => {
  const scene = await createScene();
  const acks = Array.from({ length: 400 }, async (_, index) => {
    if (index === 200) process.kill(cluster.workers[0]?.pid as number, 'SIGKILL');
    return scene.write(`message ${index}`);
  });
  const seqs = (await Promise.all(acks)).map(({ seq }) => seq);
  const inOrder = seqs.toSorted((a, b) => a - b);
  assert.deepEqual(seqs, inOrder);
  await assertExact(scene, 400);
  cluster.startWorker();
});

test('a worker that was stopped in a batch changes nothing when it continues', async () => {
  const scene = await createScene();
  const stopped = cluster.workers.map(({ pid }) => pid).filter((pid) => existsSync(`/proc/${pid}`));
  const acks = Array.from({ length: 50 }, (_, index) => scene.write(`message ${index}`));
  await acks[0];
  // One of them has the next batch now.
  for (const pid of stopped) process.kill(pid, 'SIGSTOP');
  cluster.startWorker();
  await Promise.all(acks);
  for (const pid of stopped) process.kill(pid, 'SIGCONT');
  for (let index = 50; index < 60; index++) await scene.write(`message ${index}`);
  await assertExact(scene, 60);
});

test('a command sent while no worker runs waits in the queue and is committed by the next worker', async () => {
  const scene = await createScene();
  await Promise.all(cluster.workers.map((worker) => worker.stop()));
  const ack = scene.write('no worker runs');
  const waiting = () => redis.llen(`${cluster.prefix}:persistence:wait`);
  await until(
    async () => (await waiting()) === 1,
    10_000,
    () => 'the queue does not hold one job',
  );
  assert.equal(scene.sender.messages(scene.roomId).length, 2);
  cluster.startWorker();
  await ack;
  await assertExact(scene, 1);
});

test('workers that lose 10 or more Postgres connections lose no message and double none', async () => {
  const scene = await createScene();
  let [killed, messages] = [0, 0];
  const killer = setInterval(async () => {
    const victims = await database`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'rooms-workers' and random() < 0.5`;
    killed += victims.length;
  }, 15);
  try {
    while (killed < 10 || messages < 80) {
      await Promise.all([scene.write(`message ${++messages}`), scene.write(`message ${++messages}`)]);
    }
  } finally {
    clearInterval(killer);
  }
  await assertExact(scene, messages);
});

test('a gateway that loses its subscriptions delivers every message, and the addition of a member', async () => {
  const scene = await createScene();
  const { sender, roomId, write } = scene;
  const cyd = await createAccount(gatewayB, 'Cyd');
  const cydClient = await connect(gatewayB, cyd);
  // The gateways subscribe again at once, but Redis has dropped what was published before that.
  for (let round = 0; round < 5; round++) {
    const acks = Array.from({ length: 20 }, (_, index) => write(`message ${round}.${index}`));
    await redis.client('KILL', 'TYPE', 'PUBSUB');
    await Promise.all(acks);
  }
  const added = sender.commit({ command: 'AddUser', roomId, targetId: cyd.id });
  await redis.client('KILL', 'TYPE', 'PUBSUB');
  await added;
  await cydClient.message({ command: 'AddUser', targetId: cyd.id });
  await write('welcome');
  await assertExact(scene, 102);
  await cydClient.message({ text: 'closing marker' });
  assert.deepEqual(cydClient.seqs(roomId), [103, 104, 105]);
});

test('a message that was stored but never published is delivered when a worker announces the head', async () => {
  const scene = await createScene();
  const { receiver, roomId } = scene;
  const deadline = new Date(Date.now() + 10_000).toISOString();
  const command = { id: newId(), ref: newId(), deadline, command: 'CreateMessage', actorId: ann.id, roomId };
  const batch = [{ ...command, targetId: roomId, text: 'not published' }];
  await database`select * from apply_room_commands(${newId()}, 1, ${database.json(batch)}, false)`;
  const head = encodeBroadcast({ head: 3, changes: [], records: [] });
  await redis.publish(channelNames(cluster.prefix).room(roomId), head);
  await receiver.message({ roomId, text: 'not published' });
  await assertExact(scene, 1);
});

test('a ref sent again at another gateway after an unknown outcome has one effect', async () => {
  const scene = await createScene();
  const { sender, roomId } = scene;
  const dying = await cluster.startGateway();
  const client = await Client.connect(dying, ann.token);
  const message = { command: 'CreateMessage', roomId, text: 'is it stored?', ref: newId() } as const;
  client.send(message);
  process.kill(cluster.gateways.at(-1)?.pid as number, 'SIGKILL');
  await client.end();
  const first = await sender.commit(message);
  const answer = await call(gatewayB, `POST /api/messages/${roomId}`, {
    token: ann.token,
    body: { text: message.text },
    headers: { 'idempotency-key': message.ref },
  });
  assert.equal(bodyOf(Message, answer, 201).seq, first.seq);
  await assertExact(scene, 1);
});

test('a gateway that stops answers its open commands and closes its sockets with "reconnect now"', async () => {
  const scene = await createScene();
  const { roomId } = scene;
  const stopping = await cluster.startGateway();
  const client = await Client.connect(stopping, ann.token);
  for (let index = 0; index < 50; index++) client.send({ command: 'CreateMessage', roomId, text: `last ${index}` });
  await client.until(() => client.frames.find(({ command }) => command === 'Ack'));
  await cluster.gateways.at(-1)?.stop();
  assert.deepEqual(await client.end(), { code: 4000, reason: 'going away' });
  await assertExact(scene, client.frames.filter(({ command }) => command === 'Ack').length);
});
