import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Queue } from 'bullmq';
import { createLog } from '../../shared/log.ts';
import { connectRedis } from '../../shared/redis.ts';
import { Client } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';
import { until } from '../../test/support/until.ts';

const { gateway, url, database, addUser, openAnother } = await openTestGateway();
const RELOAD = { code: 4001, reason: 'reload' };

async function readEpoch(): Promise<string> {
  const [row] = await database<{ id: string }[]>`select id from epoch`;
  return row?.id as string;
}

/** Deletes the messages of a room after a seq, as after a failover to a replica that was behind. */
async function goBack(roomId: string, seq: number): Promise<void> {
  await database`
    with gone as (delete from messages where room_id = ${roomId} and seq > ${seq})
    update rooms set seq = ${seq} where id = ${roomId}`;
}

async function createRoom(client: Client, head: number): Promise<string> {
  const { roomId } = await client.commit({ command: 'CreateRoom', text: 'a room' });
  for (let seq = 2; seq <= head; seq++) await client.commit({ command: 'CreateMessage', roomId, text: `lost ${seq}` });
  return roomId;
}

/** Resolves when a gateway has read the epoch two more times, each time with an answer. */
async function untilEpochIsChecked(t: TestContext, { reads }: typeof gateway): Promise<void> {
  let checks = 0;
  const { epoch } = reads;
  const counted = t.mock.method(reads, 'epoch', async () => {
    const id = await epoch();
    checks++;
    return id;
  });
  await until(async () => checks >= 2);
  counted.mock.restore();
}

test('after Postgres has gone back in time, all sockets reload and get what Postgres has then', async () => {
  const [ann, bob] = [await addUser('Ann'), await addUser('Bob')];
  const [client, idle] = [await Client.connect(url, ann.token), await Client.connect(url, bob.token)];
  const roomId = await createRoom(client, 5);
  await goBack(roomId, 2);
  assert.deepEqual([await client.waitForClose(), await idle.waitForClose()], [RELOAD, RELOAD]);
  const again = await Client.connect(url, ann.token);
  assert.equal(again.welcome.rooms.find(({ id }) => id === roomId)?.seq, 2);
  const { seq } = await again.commit({ command: 'CreateMessage', roomId, text: 'after the restore' });
  await again.waitForMessage({ roomId, text: 'after the restore' });
  assert.deepEqual([seq, again.seqs(roomId)], [3, [3]]);
  assert.deepEqual(gateway.liveRooms.counts, { users: 1, sockets: 1, rooms: 3 });
  await again.close();
});

test('a room that is gone makes the sockets reload too', async () => {
  const { token } = await addUser();
  const client = await Client.connect(url, token);
  const { roomId } = await client.commit({ command: 'CreateRoom', text: 'a room' });
  await client.waitForMessage({ roomId, command: 'CreateRoom' });
  await database`delete from memberships where room_id = ${roomId}`;
  await database`delete from messages where room_id = ${roomId}`;
  await database`delete from rooms where id = ${roomId}`;
  assert.deepEqual(await client.waitForClose(), RELOAD);
});

test('after the operator has changed the epoch, sockets reload, and the next Welcome has the new epoch', async () => {
  const { token } = await addUser();
  const client = await Client.connect(url, token);
  const [row] = await database<{ id: string }[]>`update epoch set id = gen_random_uuid() returning id`;
  assert.deepEqual(await client.waitForClose(), RELOAD);
  const again = await Client.connect(url, token);
  assert.notEqual(again.welcome.epoch, client.welcome.epoch);
  assert.equal(again.welcome.epoch, row?.id);
  await again.close();
});

test('a client that was offline while Postgres went back sees another epoch, also if its seq exists again', async () => {
  const [ann, bob] = [await addUser('Ann'), await addUser('Bob')];
  const client = await Client.connect(url, ann.token);
  const roomId = await createRoom(client, 4);
  await client.commit({ command: 'AddUser', roomId, targetId: bob.id });
  const offline = await Client.connect(url, bob.token);
  const position = offline.welcome.rooms.find(({ id }) => id === roomId)?.seq as number;
  assert.equal(position, 5);
  await offline.close();
  await goBack(roomId, 2);
  await database`delete from memberships where room_id = ${roomId} and seq > 2`;
  assert.deepEqual(await client.waitForClose(), RELOAD);
  const again = await Client.connect(url, ann.token);
  await again.commit({ command: 'AddUser', roomId, targetId: bob.id });
  for (const seq of [4, 5]) await again.commit({ command: 'CreateMessage', roomId, text: `new ${seq}` });
  const back = await Client.resume(url, bob.token, { epoch: offline.welcome.epoch, rooms: { [roomId]: position } });
  assert.deepEqual(
    back.frames.filter(({ command }) => command === 'Resync'),
    [{ command: 'Resync', roomId, seq: 5 }],
  );
  assert.deepEqual(back.seqs(roomId), []);
  assert.notEqual(back.welcome.epoch, offline.welcome.epoch);
  assert.deepEqual([back.welcome.epoch, again.welcome.epoch], [await readEpoch(), await readEpoch()]);
  await Promise.all([again.close(), back.close()]);
});

test('the epoch changes once, although two gateways notice it, and their sockets reload once', async (t) => {
  const { token } = await addUser();
  const other = await openAnother();
  const clients = [await Client.connect(url, token), await Client.connect(other.url, token)] as const;
  const roomId = await createRoom(clients[0], 4);
  await clients[1].waitForMessage({ roomId, text: 'lost 4' });
  await database`
    create table epochs as select id from epoch;
    create function note_epoch() returns trigger language plpgsql as $$
      begin insert into epochs select new.id; return new; end $$;
    create trigger note_epoch after update on epoch for each row execute function note_epoch()`.simple();
  await goBack(roomId, 2);
  for (const client of clients) assert.deepEqual(await client.waitForClose(), RELOAD);
  const again = [await Client.connect(url, token), await Client.connect(other.url, token)] as const;
  await Promise.all([gateway, other.gateway].map((each) => untilEpochIsChecked(t, each)));
  const epochs = await database`select id from epochs`;
  assert.equal(epochs.length, 2);
  assert.deepEqual(new Set(again.map(({ welcome }) => welcome.epoch)), new Set([epochs[1]?.id]));
  // Both sockets are still open.
  await again[0].commit({ command: 'CreateMessage', roomId, text: 'to both' });
  for (const client of again) await client.waitForMessage({ roomId, text: 'to both' });
  await database`drop trigger note_epoch on epoch`;
  await Promise.all(again.map((client) => client.close()));
});

test('while no worker takes jobs, new sockets wait for the new epoch', async () => {
  const { token } = await addUser();
  const client = await Client.connect(url, token);
  const roomId = await createRoom(client, 3);
  const { REDIS_URL, REDIS_PREFIX: prefix } = gateway.config;
  const connection = connectRedis(REDIS_URL, 'producer', 'rooms-test', createLog('test', 'silent'));
  const queue = new Queue('persistence', { connection, prefix });
  await queue.pause();
  await goBack(roomId, 2);
  assert.deepEqual(await client.waitForClose(), RELOAD);
  const waiting = Client.connect(url, token);
  await until(async () => (await queue.count()) > 0);
  assert.equal(await readEpoch(), client.welcome.epoch);
  assert.equal(gateway.liveRooms.counts.sockets, 0);
  await queue.resume();
  const again = await waiting;
  assert.notEqual(again.welcome.epoch, client.welcome.epoch);
  assert.deepEqual([again.welcome.epoch, gateway.epoch], [await readEpoch(), await readEpoch()]);
  await again.close();
  await queue.close();
  connection.disconnect();
});

test('an epoch of before that comes back is changed too', async () => {
  const { token } = await addUser();
  const client = await Client.connect(url, token);
  const [first] = [client.welcome.epoch];
  await database`update epoch set id = gen_random_uuid()`;
  assert.deepEqual(await client.waitForClose(), RELOAD);
  const second = await Client.connect(url, token);
  await database`update epoch set id = ${first}`;
  assert.deepEqual(await second.waitForClose(), RELOAD);
  const third = await Client.connect(url, token);
  assert.ok(![first, second.welcome.epoch].includes(third.welcome.epoch), third.welcome.epoch);
  assert.equal(third.welcome.epoch, await readEpoch());
  await third.close();
});
