import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';

const { gateway, url, database, addUser } = await openTestGateway();
const RELOAD = { code: 4001, reason: 'reload' };

test('after Postgres has gone back in time, all sockets reload and get what Postgres has then', async () => {
  const [ann, bob] = [await addUser('Ann'), await addUser('Bob')];
  const [client, idle] = [await Client.connect(url, ann.token), await Client.connect(url, bob.token)];
  const { roomId } = await client.commit({ command: 'CreateRoom', text: 'a room' });
  for (let seq = 2; seq <= 5; seq++) await client.commit({ command: 'CreateMessage', roomId, text: `lost ${seq}` });
  await database`delete from messages where room_id = ${roomId} and seq > 2`;
  await database`update rooms set seq = 2 where id = ${roomId}`;
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
