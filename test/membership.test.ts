import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Account, Client, call, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';

const { cluster } = await startSystem({ gateways: 2, workers: 2 });
const [here, there] = cluster.urls as [string, string];
const [ann, bob, cyd] = await Promise.all(['Ann', 'Bob', 'Cyd'].map((name) => createAccount(here, name)));
assert.ok(ann && bob && cyd);

/** Commands over both ways in, each at another gateway than the one where the member's socket is. */
const ways = {
  'over HTTP': {
    add: (roomId: string, user: Account) =>
      call(here, `POST /api/rooms/${roomId}/users/${user.id}`, { token: ann.token }),
    remove: (roomId: string, user: Account) =>
      call(here, `DELETE /api/rooms/${roomId}/users/${user.id}`, { token: ann.token }),
    say: (roomId: string, text: string) =>
      call(here, `POST /api/messages/${roomId}`, { token: ann.token, body: { text } }),
  },
  'over a socket': {
    add: async (roomId: string, user: Account) => {
      await (await annHere).ask({ command: 'AddUser', roomId, targetId: user.id });
    },
    remove: async (roomId: string, user: Account) => {
      await (await annHere).ask({ command: 'RemoveUser', roomId, targetId: user.id });
    },
    say: async (roomId: string, text: string) => {
      await (await annHere).ask({ command: 'CreateMessage', roomId, text });
    },
  },
};
const annHere = Client.connect(here, ann.token);

const newRoom = async (more = {}) =>
  (await call(here, 'POST /api/rooms', { token: ann.token, body: { name: 'a room', ...more } })).body.id as string;

for (const [way, { add, remove, say }] of Object.entries(ways)) {
  test(`a member added and removed ${way} hears what lies between, on open sockets of every gateway, and no more`, async () => {
    const roomId = await newRoom();
    const clients = [await Client.connect(here, bob.token), await Client.connect(there, bob.token, 'classic')];
    await say(roomId, 'before');
    await add(roomId, bob);
    await say(roomId, 'between');
    await remove(roomId, bob);
    await say(roomId, 'after');
    await add(roomId, bob);
    await say(roomId, 'again');
    for (const client of clients) {
      await client.frame(({ text }) => text === 'again');
      const heard = client.frames.filter((frame) => frame.roomId === roomId).map(({ text }) => text);
      assert.deepEqual(heard, ['Bob joined the room', 'between', 'Bob left the room', 'Bob joined the room', 'again']);
      assert.deepEqual(client.seqs(roomId), [3, 4, 5, 7, 8]);
      await client.close();
    }
  });
}

test('a removed member can neither speak nor read', async () => {
  const roomId = await newRoom();
  const client = await Client.connect(there, bob.token);
  await ways['over HTTP'].add(roomId, bob);
  await client.frame((frame) => frame.roomId === roomId);
  await ways['over HTTP'].remove(roomId, bob);
  const answer = await client.ask({ command: 'CreateMessage', roomId, text: 'still here' });
  assert.equal(answer.code, 'no_such_room');
  assert.equal((await call(there, `GET /api/messages/${roomId}`, { token: bob.token })).body.code, 'no_such_room');
  await client.close();
});

test('everyone hears general, and only admins write announcements', async () => {
  const client = await Client.connect(there, cyd.token);
  const { body: rooms } = await call(here, 'GET /api/rooms', { token: ann.token });
  const general = rooms.find((room: { name: string }) => room.name === 'general');
  const news = rooms.find((room: { name: string }) => room.name === 'announcements');
  await ways['over HTTP'].say(general.id, 'Hello everyone!');
  await client.frame(({ text }) => text === 'Hello everyone!');
  const refused = await client.ask({ command: 'CreateMessage', roomId: news.id, text: 'Hear me!' });
  assert.equal(refused.code, 'read_only_room');
  await client.close();
});

test('in a read-only room its owner writes and its members read', async () => {
  const roomId = await newRoom({ roomType: 'ReadOnly' });
  const client = await Client.connect(there, cyd.token);
  await client.ask({ command: 'AddUser', roomId, targetId: cyd.id });
  const answer = await client.ask({ command: 'CreateMessage', roomId, text: 'May I?' });
  assert.equal(answer.code, 'read_only_room');
  for (const { say } of Object.values(ways)) {
    await say(roomId, 'Read this!');
    await client.frame(({ text }) => text === 'Read this!');
    client.frames.length = 0;
  }
  await client.ask({ command: 'RemoveUser', roomId, targetId: cyd.id });
  await client.close();
});

test('a private room is seen by its members alone; anyone finds, reads, joins and leaves a public one', async () => {
  const [privateId, publicId] = [await newRoom(), await newRoom({ roomType: 'Public' })];
  const seen = async (token: string) =>
    (await call(there, 'GET /api/rooms', { token })).body.map(({ id }: { id: string }) => id);
  const cyds = await seen(cyd.token);
  assert.deepEqual([cyds.includes(privateId), cyds.includes(publicId)], [false, true]);
  assert.ok((await seen(ann.token)).includes(privateId));
  await ways['over HTTP'].say(publicId, 'for all');
  const { body: history } = await call(there, `GET /api/messages/${publicId}`, { token: cyd.token });
  assert.deepEqual(
    history.map(({ text }: { text: string }) => text),
    ['for all', 'a room'],
  );
  const client = await Client.connect(there, cyd.token);
  await client.ask({ command: 'AddUser', roomId: publicId, targetId: cyd.id });
  await client.frame(({ command, roomId }) => command === 'AddUser' && roomId === publicId);
  assert.equal((await client.ask({ command: 'CreateMessage', roomId: publicId, text: 'me too' })).seq, 4);
  assert.equal((await client.ask({ command: 'RemoveUser', roomId: publicId, targetId: cyd.id })).seq, 5);
  await client.close();
});

test('a created room has its shape and its members, and its creator hears it at once on every socket of his', async () => {
  const client = await Client.connect(there, ann.token);
  const { status, body: room } = await call(here, 'POST /api/rooms', { token: ann.token, body: { name: 'shaped' } });
  assert.equal(status, 201);
  assert.deepEqual(Object.keys(room), ['id', 'createdAt', 'updatedAt', 'name', 'ownerId', 'roomType', 'users']);
  assert.deepEqual([room.name, room.ownerId, room.roomType], ['shaped', ann.id, 'Private']);
  assert.deepEqual(room.users, [{ id: ann.id, firstName: 'Ann', lastName: 'Testing', isOnline: true }]);
  const frame = await client.frame(({ roomId }) => roomId === room.id);
  assert.deepEqual([frame.command, frame.seq, frame.text], ['CreateRoom', 1, 'shaped']);
  await client.close();
});

test('a user sees his own record, without his password, and his rooms', async () => {
  const { body: user } = await call(there, 'GET /api/users/current/', { token: cyd.token });
  const { body: rooms } = await call(there, 'GET /api/rooms', { token: cyd.token });
  assert.deepEqual(
    [user.id, user.firstName, user.lastName, user.email, user.roles],
    [cyd.id, 'Cyd', 'Testing', cyd.email, ['user']],
  );
  assert.ok(!JSON.stringify(user).includes('argon2'));
  const own = rooms.filter(({ name }: { name: string }) => ['general', 'announcements'].includes(name));
  const ids = (list: { id: string }[]) => list.map(({ id }) => id).toSorted();
  assert.deepEqual(ids(user.rooms), ids(own));
});

test('a classic client sees only the frames of the seed', async () => {
  const roomId = await newRoom();
  const client = await Client.connect(here, ann.token, 'classic');
  client.send({ text: 'Hello World!', command: 'CreateMessage', targetId: roomId, roomId });
  const frame = await client.frame(({ text }) => text === 'Hello World!');
  const seed = ['id', 'roomId', 'userId', 'command', 'targetId', 'text', 'createdAt', 'updatedAt'];
  assert.deepEqual(Object.keys(frame).toSorted(), [...seed, 'seq', 'ref'].toSorted());
  assert.deepEqual(
    client.frames.filter(({ command }) => ['Welcome', 'Ack'].includes(command)),
    [],
  );
  await client.close();
});

test('a client hears what it says, though it speaks as soon as its socket is open', async () => {
  const roomId = await newRoom();
  for (let round = 0; round < 20; round++) {
    const client = await Client.connect(there, ann.token, 'classic');
    client.send({ command: 'CreateMessage', roomId, text: `round ${round}` });
    await client.frame(({ text }) => text === `round ${round}`);
    await client.close();
  }
});

test('history pages, newest first', async () => {
  const roomId = await newRoom();
  for (const text of ['one', 'two', 'three', 'four']) await ways['over a socket'].say(roomId, text);
  const page = async (query: string) => {
    const { body } = await call(there, `GET /api/messages/${roomId}${query}`, { token: ann.token });
    return body.map(({ text }: { text: string }) => text);
  };
  assert.deepEqual(await page(''), ['four', 'three', 'two', 'one', 'a room']);
  assert.deepEqual(await page('?page=2&size=2'), ['two', 'one']);
  assert.deepEqual(await page('?page=4&size=2'), []);
});

test('sockets that come and go while messages flow miss nothing after their Welcome', async () => {
  const roomId = await newRoom();
  await ways['over HTTP'].add(roomId, bob);
  let said = 0;
  let talking = true;
  const talk = async () => {
    while (talking) await ways['over a socket'].say(roomId, `word ${++said}`);
  };
  const talker = talk();
  for (let round = 0; round < 15; round++) {
    const client = await Client.connect(round % 2 ? here : there, bob.token);
    const head = client.frames[0].rooms.find(({ id }: { id: string }) => id === roomId).seq;
    await client.until(() => (client.seqs(roomId).length >= 5 ? true : undefined));
    assert.deepEqual(
      client.seqs(roomId).slice(0, 5),
      [1, 2, 3, 4, 5].map((step) => head + step),
    );
    await client.close();
  }
  talking = false;
  await talker;
  await (await annHere).close();
});
