import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused } from './support/answer-checks.ts';
import { Client, call } from './support/client.ts';
import { openTestGateway } from './support/in-process.ts';

const { url, addUser } = await openTestGateway({
  OWNED_ROOMS_PER_USER: '2',
  ROOMS_PER_USER: '3',
  EDITS_PER_MESSAGE: '2',
});

test('over a socket and over HTTP, a command over a quota is refused with the code of the quota', async () => {
  const [ann, bob] = [await addUser('Ann'), await addUser('Bob')];
  const client = await Client.connect(url, ann.token);
  const newRoom = { command: 'CreateRoom', text: 'a room' } as const;
  const { roomId } = await client.commit(newRoom);
  const rooms = [roomId, (await client.commit(newRoom)).roomId];
  refused(await client.ask(newRoom), 'too_many_owned_rooms');
  const body = { name: 'a room' };
  refused(await call(url, 'POST /api/rooms', { token: ann.token, body }), 'too_many_owned_rooms');

  const bobClient = await Client.connect(url, bob.token);
  for (let count = 0; count < 2; count++) await bobClient.commit(newRoom);
  await client.commit({ command: 'AddUser', roomId, targetId: bob.id });
  refused(await client.ask({ command: 'AddUser', roomId: rooms[1] as string, targetId: bob.id }), 'too_many_rooms');
  const addition = `POST /api/rooms/${rooms[1]}/users/${bob.id}`;
  refused(await call(url, addition, { token: ann.token }), 'too_many_rooms');

  const { id: targetId } = await client.commit({ command: 'CreateMessage', roomId, text: 'Hello World!' });
  const edit = { command: 'UpdateMessage', roomId, targetId, text: 'Goodbye World!' } as const;
  for (let count = 0; count < 2; count++) await client.commit(edit);
  refused(await client.ask(edit), 'too_many_edits');
  const update = { token: ann.token, body: { text: 'again' } };
  refused(await call(url, `PUT /api/messages/${targetId}`, update), 'too_many_edits');
  await client.commit({ command: 'DeleteMessage', roomId, targetId });
  for (const each of [client, bobClient]) await each.close();
});

test('a user who creates 50 rooms at the same time over 10 sockets gets all of them on every socket', async () => {
  const { url, addUser } = await openTestGateway();
  const { token } = await addUser();
  const clients = await Promise.all(Array.from({ length: 10 }, () => Client.connect(url, token)));
  const creations = clients.flatMap((client) =>
    Array.from({ length: 5 }, () => client.commit({ command: 'CreateRoom', text: 'a room' })),
  );
  const ids = (await Promise.all(creations)).map(({ roomId }) => roomId);
  assert.equal(new Set(ids).size, 50);
  for (const client of clients) {
    for (const roomId of ids) await client.waitForMessage({ roomId, command: 'CreateRoom', seq: 1 });
    assert.deepEqual([...new Set(ids.map((roomId) => client.seqs(roomId).join()))], ['1']);
  }
  for (const client of clients) await client.close();
});
