import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import { type Account, type Answer, Client, call, createAccount, type Frame } from './support/client.ts';
import { startSystem } from './support/system.ts';

const { cluster, database } = await startSystem({ gateways: 2, workers: 2 });
const [here, there] = cluster.urls as [string, string];
const ann = await createAccount(here, 'Ann');
const bob = await createAccount(there, 'Bob');
const eve = await createAccount(there, 'Eve');

/** A room of Ann's with Bob in it, his socket at the other gateway, and a message of Ann's. */
async function scene() {
  const annClient = await Client.connect(here, ann.token);
  const bobClient = await Client.connect(there, bob.token);
  const { roomId } = await annClient.ask({ command: 'CreateRoom', text: 'a room' });
  await annClient.ask({ command: 'AddUser', roomId, targetId: bob.id });
  const { id: messageId } = await annClient.ask({ command: 'CreateMessage', roomId, text: 'Hello World!' });
  await bobClient.frame(({ id }) => id === messageId);
  const close = () => Promise.all([annClient.close(), bobClient.close()]);
  return { annClient, bobClient, roomId, messageId, close };
}

const history = async (roomId: string, query = '') => {
  const { body } = await call(there, `GET /api/messages/${roomId}${query}`, { token: bob.token });
  return body.map(({ text }: { text: string }) => text);
};

/** The same command over both ways in. */
const ways = {
  'over HTTP': (what: string, account: Account, body?: unknown) =>
    call(here, what, { token: account.token, ...(body !== undefined && { body }) }),
  'over a socket': async (what: string, account: Account, body?: unknown): Promise<Answer> => {
    const [verb, , , kind, id] = what.split(/[ /]/) as [string, string, string, string, string];
    const roomId = kind === 'rooms' ? id : await roomOf(id);
    const command = `${verb === 'PUT' ? 'Update' : 'Delete'}${kind === 'rooms' ? 'Room' : 'Message'}`;
    const { name, text } = (body ?? {}) as { name?: string; text?: string };
    const client = await Client.connect(here, account.token);
    const frame: Frame = await client.ask({ command, roomId, targetId: id, text: text ?? name ?? 'anything' });
    await client.close();
    return { status: frame.command === 'Ack' ? 200 : 400, headers: new Headers(), body: frame };
  },
};

async function roomOf(messageId: string): Promise<string> {
  const [row] = await database`select room_id from messages where id = ${messageId}`;
  return row?.roomId ?? newId();
}

for (const [way, ask] of Object.entries(ways)) {
  test(`an edit ${way} reaches open sockets and the history, and a deletion erases every trace of the text`, async () => {
    const { bobClient, roomId, messageId, close } = await scene();
    const edited = await ask(`PUT /api/messages/${messageId}`, ann, { text: 'Goodbye World!' });
    assert.equal(edited.status, 200);
    const edit = await bobClient.frame(({ command }) => command === 'UpdateMessage');
    assert.deepEqual([edit.targetId, edit.text, edit.seq, edit.userId], [messageId, 'Goodbye World!', 4, ann.id]);
    assert.deepEqual(await history(roomId), ['Goodbye World!', 'Bob joined the room', 'a room']);

    const deleted = await ask(`DELETE /api/messages/${messageId}`, ann);
    assert.equal(deleted.status, 200);
    const deletion = await bobClient.frame(({ command }) => command === 'DeleteMessage');
    assert.deepEqual([deletion.targetId, deletion.text, deletion.seq], [messageId, '', 5]);
    assert.deepEqual(await history(roomId), ['', 'Bob joined the room', 'a room']);
    const left = await database`select from messages where room_id = ${roomId} and text like '%World%'`;
    assert.equal(left.length, 0);
    await close();
  });

  test(`a room renamed ${way} is renamed for everyone in it; deleted, it is gone for all of them at once`, async () => {
    const { annClient, bobClient, roomId, close } = await scene();
    assert.equal((await ask(`PUT /api/rooms/${roomId}`, ann, { name: 'another name' })).status, 200);
    const renaming = await bobClient.frame(({ command }) => command === 'UpdateRoom');
    assert.deepEqual([renaming.text, renaming.targetId, renaming.seq], ['another name', roomId, 4]);
    const { body: room } = await call(there, `GET /api/rooms/${roomId}`, { token: bob.token });
    assert.equal(room.name, 'another name');

    assert.equal((await ask(`DELETE /api/rooms/${roomId}`, ann)).status, 200);
    for (const client of [annClient, bobClient]) {
      const end = await client.frame(({ command, targetId }) => command === 'DeleteRoom' && targetId === roomId);
      assert.equal(end.seq, 5);
      const refused = await client.ask({ command: 'CreateMessage', roomId, text: 'anyone?' });
      assert.equal(refused.code, 'no_such_room');
    }
    for (const token of [ann.token, bob.token]) {
      assert.equal((await call(there, `GET /api/rooms/${roomId}`, { token })).body.code, 'no_such_room');
      assert.equal((await call(there, `GET /api/messages/${roomId}`, { token })).body.code, 'no_such_room');
      const { body: rooms } = await call(there, 'GET /api/rooms', { token });
      assert.ok(!rooms.some(({ id }: { id: string }) => id === roomId));
    }
    await close();
  });

  test(`who may not change a message or a room is refused ${way}`, async () => {
    const { roomId, messageId, annClient, close } = await scene();
    const [joined] = await database`select id from messages where room_id = ${roomId} and command = 'AddUser'`;
    const { id: deletedId } = await annClient.ask({ command: 'CreateMessage', roomId, text: 'soon gone' });
    await annClient.ask({ command: 'DeleteMessage', roomId, targetId: deletedId });
    const { body: rooms } = await call(here, 'GET /api/rooms', { token: ann.token });
    const general = rooms.find(({ name }: { name: string }) => name === 'general').id;
    const strangers = way === 'over HTTP' ? 'no_such_message' : 'no_such_room';
    const cases: [what: string, account: Account, body: unknown, code: string][] = [
      [`PUT /api/messages/${messageId}`, bob, { text: 'mine now' }, 'author_only'],
      [`DELETE /api/messages/${messageId}`, bob, undefined, 'author_only'],
      [`PUT /api/messages/${messageId}`, eve, { text: 'mine now' }, strangers],
      [`DELETE /api/messages/${messageId}`, eve, undefined, strangers],
      [`PUT /api/messages/${joined?.id}`, ann, { text: 'never joined' }, 'not_editable'],
      [`DELETE /api/messages/${joined?.id}`, ann, undefined, 'not_editable'],
      [`PUT /api/messages/${deletedId}`, ann, { text: 'back again' }, 'no_such_message'],
      [`PUT /api/messages/${messageId}`, ann, { text: 'x'.repeat(501) }, 'too_long'],
      [`PUT /api/rooms/${roomId}`, bob, { name: 'of Bob' }, 'owner_only'],
      [`DELETE /api/rooms/${roomId}`, bob, undefined, 'owner_only'],
      [`PUT /api/rooms/${roomId}`, eve, { name: 'of Eve' }, 'no_such_room'],
      [`DELETE /api/rooms/${roomId}`, eve, undefined, 'no_such_room'],
      [`PUT /api/rooms/${general}`, ann, { name: 'of Ann' }, 'everyones_room'],
      [`DELETE /api/rooms/${general}`, ann, undefined, 'everyones_room'],
      [`PUT /api/rooms/${roomId}`, ann, { name: 'no' }, 'too_short'],
      [`PUT /api/rooms/${newId()}`, ann, { name: 'nowhere' }, 'no_such_room'],
    ];
    for (const [what, account, body, code] of cases) {
      const answer = await ask(what, account, body);
      assert.equal(answer.body.code, code, `${what} ${JSON.stringify(body)}`);
    }
    assert.deepEqual(await history(roomId), ['', 'Hello World!', 'Bob joined the room', 'a room']);
    await close();
  });
}

test('an author who was removed can change nothing any more', async () => {
  const { annClient, bobClient, roomId, close } = await scene();
  const { id } = await bobClient.ask({ command: 'CreateMessage', roomId, text: 'of Bob' });
  await annClient.ask({ command: 'RemoveUser', roomId, targetId: bob.id });
  const answer = await bobClient.ask({ command: 'UpdateMessage', roomId, targetId: id, text: 'still here' });
  assert.equal(answer.code, 'no_such_room');
  await close();
});

test('a message is not to be changed through another room', async () => {
  const { annClient, messageId, close } = await scene();
  const { roomId: other } = await annClient.ask({ command: 'CreateRoom', text: 'another room' });
  const answer = await annClient.ask({ command: 'DeleteMessage', roomId: other, targetId: messageId });
  assert.equal(answer.code, 'no_such_message');
  await close();
});

test('a deletion sent twice with one ref is one, also after the room is gone', async () => {
  const { annClient, roomId, close } = await scene();
  const ref = newId();
  const first = await annClient.ask({ command: 'DeleteRoom', roomId, ref });
  const again = await call(there, `DELETE /api/rooms/${roomId}`, {
    token: ann.token,
    headers: { 'idempotency-key': ref },
  });
  assert.deepEqual([first.command, again.status, again.body], ['Ack', 200, { message: 'room deleted' }]);
  await close();
});

test('history goes on from a seq, before and after', async () => {
  const { annClient, roomId, messageId, close } = await scene();
  await annClient.ask({ command: 'UpdateMessage', roomId, targetId: messageId, text: 'three' });
  for (const text of ['five', 'six', 'seven']) await annClient.ask({ command: 'CreateMessage', roomId, text });
  assert.deepEqual(await history(roomId, '?before=6&size=2'), ['five', 'three']);
  assert.deepEqual(await history(roomId, '?after=2&size=2'), ['five', 'three']);
  assert.deepEqual(await history(roomId, '?after=7'), []);
  const { body } = await call(here, `GET /api/messages/${roomId}?before=1&after=2`, { token: ann.token });
  assert.equal(body.code, 'invalid_field');
  await close();
});
