import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { channelNames, encodeBroadcasts } from '../shared/contract/channels.ts';
import { newId } from '../shared/contract/ids.ts';
import { Message } from '../shared/contract/messages.ts';
import { bodyOf } from './support/answer-checks.ts';
import { type Account, Client, call, createAccount } from './support/client.ts';
import { startSystem, startTestRedis } from './support/system.ts';
import { until } from './support/until.ts';

// The tests cut the connections of this Redis. So no other test file may use it.
const { url: redisUrl } = await startTestRedis();
const { cluster, database } = await startSystem({ gateways: 2, workers: 2, redisUrl });
const [gatewayA, gatewayB] = cluster.urls as [string, string];
const ann = await createAccount(gatewayA, 'Ann');
const bob = await createAccount(gatewayB, 'Bob');
const redis = new Redis(redisUrl, { retryStrategy: () => null });
after(() => redis.disconnect());

async function connect(url: string, { token }: Account): Promise<Client> {
  const client = await Client.connect(url, token);
  after(() => client.close());
  return client;
}

/** Creates a room with Ann, the sender, and Bob, the receiver. Their sockets are open at different gateways. */
async function createScene() {
  const [sender, receiver] = [await connect(gatewayA, ann), await connect(gatewayB, bob)];
  const { roomId } = await sender.commit({ command: 'CreateRoom', text: 'a room' });
  await sender.commit({ command: 'AddUser', roomId, targetId: bob.id });
  await receiver.waitForMessage({ roomId });
  const write = (text: string) => sender.commit({ command: 'CreateMessage', roomId, text });
  /** Sends the message again while the gateway is busy, because a batch has no reply for two seconds. */
  const writeInTheEnd = async (text: string): Promise<void> => {
    const answer = await sender.ask({ command: 'CreateMessage', roomId, text });
    if (answer.command === 'Ack') return;
    assert.equal(answer.code, 'busy');
    await writeInTheEnd(text);
  };
  return { sender, receiver, roomId, write, writeInTheEnd };
}

/**
 * Asserts that `messages` messages were stored and delivered once and in order. The room also has its creation, the
 * addition of Bob and a last message, which this function sends. A second delivery of an earlier message would arrive
 * before that last message.
 */
async function assertEachDeliveredOnce(
  { sender, receiver, roomId }: Awaited<ReturnType<typeof createScene>>,
  messages: number,
) {
  const { seq: last } = await sender.commit({ command: 'CreateMessage', roomId, text: 'closing marker' });
  const rows = await database`select seq from messages where room_id = ${roomId} order by seq`;
  const expected = Array.from({ length: messages + 3 }, (_, index) => index + 1);
  assert.deepEqual(
    rows.map(({ seq }) => seq),
    expected,
  );
  await receiver.waitForMessage({ roomId, seq: last });
  assert.deepEqual(receiver.seqs(roomId), expected.slice(1));
}

test('each of 400 messages is delivered once although a worker is killed in the middle', async () => {
  const scene = await createScene();
  const acks = Array.from({ length: 400 }, async (_, index) => {
    if (index === 200) process.kill(cluster.workers[0]?.pid as number, 'SIGKILL');
    return scene.write(`message ${index}`);
  });
  const seqs = (await Promise.all(acks)).map(({ seq }) => seq);
  const inOrder = seqs.toSorted((a, b) => a - b);
  assert.deepEqual(seqs, inOrder);
  await assertEachDeliveredOnce(scene, 400);
  await cluster.startWorker();
});

test('a worker that was paused in a batch changes nothing when it continues', async () => {
  const scene = await createScene();
  const paused = cluster.workers.map(({ pid }) => pid).filter((pid) => existsSync(`/proc/${pid}`));
  const acks = Array.from({ length: 50 }, (_, index) => scene.writeInTheEnd(`message ${index}`));
  await acks[0];
  // Now one of the workers has the next batch.
  for (const pid of paused) process.kill(pid, 'SIGSTOP');
  await cluster.startWorker();
  await Promise.all(acks);
  for (const pid of paused) process.kill(pid, 'SIGCONT');
  for (let index = 50; index < 60; index++) await scene.write(`message ${index}`);
  await assertEachDeliveredOnce(scene, 60);
});

test('a command that is sent while no worker runs is committed by the next worker', async () => {
  const scene = await createScene();
  await Promise.all(cluster.workers.map((worker) => worker.stop()));
  const ack = scene.write('no worker runs');
  const waiting = () => redis.llen(`${cluster.prefix}:persistence:wait`);
  await until(
    async () => (await waiting()) === 1,
    10_000,
    () => 'the queue does not have one job',
  );
  assert.equal(scene.sender.messages(scene.roomId).length, 2);
  await cluster.startWorker();
  await ack;
  await assertEachDeliveredOnce(scene, 1);
});

test('each message is delivered once although the workers lose 10 or more Postgres connections', async () => {
  const scene = await createScene();
  let [killed, messages, acks, acksAtLastKill] = [0, 0, 0, -1];
  // Kills again only after a commit. Otherwise a slow machine commits nothing for two seconds, and then refuses commands.
  const killer = setInterval(async () => {
    if (acks === acksAtLastKill) return;
    acksAtLastKill = acks;
    const victims = await database`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'rooms-workers' and random() < 0.5`;
    killed += victims.length;
  }, 15);
  const write = async () => {
    await scene.write(`message ${++messages}`);
    acks++;
  };
  try {
    while (killed < 10 || messages < 80) await Promise.all(Array.from({ length: 5 }, write));
  } finally {
    clearInterval(killer);
  }
  await assertEachDeliveredOnce(scene, messages);
});

test('a gateway that loses its Redis subscriptions misses neither a message nor a new member', async () => {
  const scene = await createScene();
  const { sender, roomId, write } = scene;
  const cyd = await createAccount(gatewayB, 'Cyd');
  const cydClient = await connect(gatewayB, cyd);
  // The gateways subscribe again immediately, but they do not receive what was published before that.
  for (let round = 0; round < 5; round++) {
    const acks = Array.from({ length: 20 }, (_, index) => write(`message ${round}.${index}`));
    await redis.client('KILL', 'TYPE', 'PUBSUB');
    await Promise.all(acks);
  }
  const added = sender.commit({ command: 'AddUser', roomId, targetId: cyd.id });
  await redis.client('KILL', 'TYPE', 'PUBSUB');
  await added;
  await cydClient.waitForMessage({ command: 'AddUser', targetId: cyd.id });
  await write('welcome');
  await assertEachDeliveredOnce(scene, 102);
  await cydClient.waitForMessage({ text: 'closing marker' });
  assert.deepEqual(cydClient.seqs(roomId), [103, 104, 105]);
});

test('a message that was stored but never published is delivered after a worker publishes its seq', async () => {
  const scene = await createScene();
  const { receiver, roomId } = scene;
  const deadline = new Date(Date.now() + 10_000).toISOString();
  const command = { id: newId(), ref: newId(), deadline, command: 'CreateMessage', actorId: ann.id, roomId };
  const batch = [{ ...command, targetId: roomId, text: 'not published' }];
  await database`select * from apply_room_commands(${newId()}, 1, null, ${database.json(batch)}, null, '{}', false, null)`;
  // The head of a room is the seq of its last message.
  const broadcast = encodeBroadcasts([{ roomId, head: 3, changes: [], records: [] }]);
  await redis.publish(channelNames(cluster.prefix).room(roomId), broadcast);
  await receiver.waitForMessage({ roomId, text: 'not published' });
  await assertEachDeliveredOnce(scene, 1);
});

test('a command that is sent again to another gateway after an unknown outcome has one effect', async () => {
  const scene = await createScene();
  const { sender, roomId } = scene;
  const dyingGateway = await cluster.startGateway();
  const client = await Client.connect(dyingGateway, ann.token);
  const message = { command: 'CreateMessage', roomId, text: 'is it stored?', ref: newId() } as const;
  client.send(message);
  process.kill(cluster.gateways.at(-1)?.pid as number, 'SIGKILL');
  await client.waitForClose();
  const first = await sender.commit(message);
  const answer = await call(gatewayB, `POST /api/messages/${roomId}`, {
    token: ann.token,
    body: { text: message.text },
    headers: { 'idempotency-key': message.ref },
  });
  assert.equal(bodyOf(Message, answer, 201).seq, first.seq);
  await assertEachDeliveredOnce(scene, 1);
});

test('a gateway that stops acknowledges every stored command before it closes its sockets with 4000', async () => {
  const scene = await createScene();
  const { roomId } = scene;
  const stoppingGateway = await cluster.startGateway();
  const client = await Client.connect(stoppingGateway, ann.token);
  for (let index = 0; index < 50; index++) client.send({ command: 'CreateMessage', roomId, text: `last ${index}` });
  await client.until(() => client.frames.find(({ command }) => command === 'Ack'));
  await cluster.gateways.at(-1)?.stop();
  assert.deepEqual(await client.waitForClose(), { code: 4000, reason: 'going away' });
  await assertEachDeliveredOnce(scene, client.frames.filter(({ command }) => command === 'Ack').length);
});
