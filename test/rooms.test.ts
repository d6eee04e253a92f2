import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as v from 'valibot';
import { Room } from '../shared/contract/answers.ts';
import { commandNames } from '../shared/contract/commands.ts';
import type { ErrorCode } from '../shared/contract/errors.ts';
import { newId } from '../shared/contract/ids.ts';
import { Message } from '../shared/contract/messages.ts';
import { bodyOf, refused } from './support/answer-checks.ts';
import { type Account, Client, call, createAccount } from './support/client.ts';
import type { CommandFrame } from './support/client-frames.ts';
import { type Driver, openDriver, type Path } from './support/drivers.ts';
import { startSystem } from './support/system.ts';

// Each test runs twice: its commands are sent over HTTP, then over a socket. The drivers send them to gateway A. The
// sockets of Bob are open at gateway B.

const { cluster, database } = await startSystem({ gateways: 2, workers: 2 });
const [gatewayA, gatewayB] = cluster.urls as [string, string];
const ann = await createAccount(gatewayA, 'Ann');
const bob = await createAccount(gatewayB, 'Bob');
const cyd = await createAccount(gatewayB, 'Cyd');

const paths: Path[] = ['HTTP', 'a socket'];

/** The refusal for a message of a room that the caller may not see. Over HTTP, the route of a message names no room. */
const codeOfHiddenMessage: Record<Path, ErrorCode> = { HTTP: 'no_such_message', 'a socket': 'no_such_room' };

/** Creates a private room of Ann, with Bob as a member and one message of Ann. Bob has an open socket. */
async function createScene(path: Path) {
  const [asAnn, asBob, asCyd] = await Promise.all([ann, bob, cyd].map((each) => openDriver(path, gatewayA, each)));
  assert.ok(asAnn && asBob && asCyd);
  const bobClient = await connect(gatewayB, bob);
  const roomId = await asAnn.commit({ command: 'CreateRoom', text: 'a room' });
  await asAnn.commit({ command: 'AddUser', roomId, targetId: bob.id });
  const messageId = await asAnn.commit({ command: 'CreateMessage', roomId, text: 'Hello World!' });
  await bobClient.waitForMessage({ id: messageId });
  return { asAnn, asBob, asCyd, bobClient, roomId, messageId };
}

async function connect(url: string, { token }: Account, kind: 'v1' | 'classic' = 'v1'): Promise<Client> {
  const client = await Client.connect(url, token, kind);
  after(() => client.close());
  if (kind === 'classic') await client.roundTrip();
  return client;
}

async function history(roomId: string, { token } = bob): Promise<string[]> {
  const answer = await call(gatewayB, `GET /api/messages/${roomId}`, { token });
  return bodyOf(v.array(Message), answer).map(({ text }) => text);
}

async function roomIdsOf({ token }: Account): Promise<string[]> {
  return bodyOf(v.array(Room), await call(gatewayB, 'GET /api/rooms', { token })).map(({ id }) => id);
}

async function assertRefused(driver: Driver, command: CommandFrame, code: ErrorCode): Promise<void> {
  assert.deepEqual(await driver.send(command), { code }, JSON.stringify(command));
}

for (const path of paths) {
  test(`over ${path}, 20 messages reach each member once and in the order of sending`, async () => {
    const { asAnn, bobClient, roomId } = await createScene(path);
    const annClient = await connect(gatewayA, ann);
    const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`);
    for (const text of texts) await asAnn.commit({ command: 'CreateMessage', roomId, text });
    for (const client of [annClient, bobClient]) {
      await client.waitForMessage({ roomId, text: 'message 19' });
      const received = client.messages(roomId).slice(-20);
      assert.deepEqual(
        received.map(({ text, seq }) => [text, seq]),
        texts.map((text, index) => [text, index + 4]),
      );
    }
  });

  test(`over ${path}, a user receives only the messages from their addition to their removal`, async () => {
    const { asAnn, roomId } = await createScene(path);
    const clients = [await connect(gatewayA, cyd), await connect(gatewayB, cyd, 'classic')];
    const write = (text: string) => asAnn.commit({ command: 'CreateMessage', roomId, text });
    const change = (command: 'AddUser' | 'RemoveUser') => asAnn.commit({ command, roomId, targetId: cyd.id });
    await write('before');
    await change('AddUser');
    await write('between');
    await change('RemoveUser');
    await write('after');
    await change('AddUser');
    await write('again');
    for (const client of clients) {
      await client.waitForMessage({ roomId, text: 'again' });
      assert.deepEqual(
        client.messages(roomId).map(({ seq, text }) => [seq, text]),
        [
          [5, 'Cyd joined the room'],
          [6, 'between'],
          [7, 'Cyd left the room'],
          [9, 'Cyd joined the room'],
          [10, 'again'],
        ],
      );
    }
  });

  test(`over ${path}, an edit reaches the open sockets of a member and the history`, async () => {
    const { asAnn, bobClient, roomId, messageId } = await createScene(path);
    await asAnn.commit({ command: 'UpdateMessage', roomId, targetId: messageId, text: 'Goodbye World!' });
    const edit = await bobClient.waitForMessage({ command: 'UpdateMessage', roomId });
    assert.deepEqual([edit.targetId, edit.text, edit.seq, edit.userId], [messageId, 'Goodbye World!', 4, ann.id]);
    assert.deepEqual(await history(roomId), ['Goodbye World!', 'Bob joined the room', 'Room created']);
  });

  test(`over ${path}, a deletion reaches open sockets and leaves no text of the message in Postgres`, async () => {
    const { asAnn, bobClient, roomId, messageId } = await createScene(path);
    await asAnn.commit({ command: 'UpdateMessage', roomId, targetId: messageId, text: 'Goodbye World!' });
    await asAnn.commit({ command: 'DeleteMessage', roomId, targetId: messageId });
    const deletion = await bobClient.waitForMessage({ command: 'DeleteMessage', roomId });
    assert.deepEqual([deletion.targetId, deletion.text, deletion.seq], [messageId, '', 5]);
    assert.deepEqual(await history(roomId), ['', 'Bob joined the room', 'Room created']);
    const rows = await database`select seq from messages where room_id = ${roomId} and text like '%World%'`;
    assert.deepEqual([...rows], []);
  });

  test(`over ${path}, a new name of a room reaches its members`, async () => {
    const { asAnn, bobClient, roomId } = await createScene(path);
    await asAnn.commit({ command: 'UpdateRoom', roomId, text: 'another name' });
    const renaming = await bobClient.waitForMessage({ command: 'UpdateRoom', roomId });
    const { text, name, targetId, seq } = renaming;
    assert.deepEqual([text, name, targetId, seq], ['Room updated', 'another name', roomId, 4]);
    const room = bodyOf(Room, await call(gatewayB, `GET /api/rooms/${roomId}`, { token: bob.token }));
    assert.equal(room.name, 'another name');
  });

  test(`over ${path}, a deleted room no longer exists for any of its members`, async () => {
    const { asAnn, asBob, bobClient, roomId } = await createScene(path);
    await asAnn.commit({ command: 'DeleteRoom', roomId });
    const { seq, text, name } = await bobClient.waitForMessage({ command: 'DeleteRoom', roomId });
    assert.deepEqual([seq, text, name], [4, 'Room deleted', undefined]);
    for (const driver of [asAnn, asBob]) {
      await assertRefused(driver, { command: 'CreateMessage', roomId, text: 'anyone?' }, 'no_such_room');
    }
    for (const account of [ann, bob]) {
      for (const route of [`/api/rooms/${roomId}`, `/api/messages/${roomId}`]) {
        refused(await call(gatewayB, `GET ${route}`, { token: account.token }), 'no_such_room');
      }
      assert.ok(!(await roomIdsOf(account)).includes(roomId));
    }
  });

  test(`over ${path}, a created room reaches every open socket of its creator`, async () => {
    const clients = [await connect(gatewayA, ann), await connect(gatewayB, ann, 'classic')];
    const asAnn = await openDriver(path, gatewayA, ann);
    const roomId = await asAnn.commit({ command: 'CreateRoom', text: 'new room' });
    for (const client of clients) {
      const creation = await client.waitForMessage({ roomId });
      const { command, seq, text, name } = creation;
      assert.deepEqual([command, seq, text, name], ['CreateRoom', 1, 'Room created', 'new room']);
    }
  });

  test(`over ${path}, a removed member can no longer read, write, edit or delete in the room`, async () => {
    const { asAnn, asBob, roomId } = await createScene(path);
    const own = await asBob.commit({ command: 'CreateMessage', roomId, text: 'a message of Bob' });
    await asAnn.commit({ command: 'RemoveUser', roomId, targetId: bob.id });
    await assertRefused(asBob, { command: 'CreateMessage', roomId, text: 'still here' }, 'no_such_room');
    for (const command of ['UpdateMessage', 'DeleteMessage'] as const) {
      await assertRefused(asBob, { command, roomId, targetId: own, text: 'still here' }, codeOfHiddenMessage[path]);
    }
    refused(await call(gatewayB, `GET /api/messages/${roomId}`, { token: bob.token }), 'no_such_room');
    assert.ok(!(await roomIdsOf(bob)).includes(roomId));
  });

  test(`over ${path}, a member of a read-only room receives its messages but cannot write`, async () => {
    const { asAnn, asCyd } = await createScene(path);
    const cydClient = await connect(gatewayB, cyd);
    const roomId = await asAnn.commit({ command: 'CreateRoom', text: 'read only', roomType: 'ReadOnly' });
    await asCyd.commit({ command: 'AddUser', roomId, targetId: cyd.id });
    await assertRefused(asCyd, { command: 'CreateMessage', roomId, text: 'a question' }, 'read_only_room');
    await asAnn.commit({ command: 'CreateMessage', roomId, text: 'an announcement' });
    await cydClient.waitForMessage({ roomId, text: 'an announcement' });
    assert.deepEqual(cydClient.seqs(roomId), [2, 3]);
  });

  test(`over ${path}, only the members of a private room find it in their list of rooms`, async () => {
    const { roomId } = await createScene(path);
    assert.ok((await roomIdsOf(bob)).includes(roomId));
    assert.ok(!(await roomIdsOf(cyd)).includes(roomId));
  });

  test(`over ${path}, a user finds, reads, joins and leaves a public room of another user`, async () => {
    const [asAnn, asCyd] = [await openDriver(path, gatewayA, ann), await openDriver(path, gatewayA, cyd)];
    const roomId = await asAnn.commit({ command: 'CreateRoom', text: 'public room', roomType: 'Public' });
    await asAnn.commit({ command: 'CreateMessage', roomId, text: 'for all' });
    assert.ok((await roomIdsOf(cyd)).includes(roomId));
    assert.deepEqual(await history(roomId, cyd), ['for all', 'Room created']);
    await assertRefused(asCyd, { command: 'CreateMessage', roomId, text: 'too early' }, 'not_a_member');
    await asCyd.commit({ command: 'AddUser', roomId, targetId: cyd.id });
    await asCyd.commit({ command: 'CreateMessage', roomId, text: 'from Cyd' });
    await asCyd.commit({ command: 'RemoveUser', roomId, targetId: cyd.id });
    assert.deepEqual((await history(roomId, cyd)).slice(0, 3), [
      'Cyd left the room',
      'from Cyd',
      'Cyd joined the room',
    ]);
  });

  test(`over ${path}, a message in general reaches other users`, async () => {
    const { asAnn, bobClient } = await createScene(path);
    const id = await asAnn.commit({ command: 'CreateMessage', roomId: 'general', text: `over ${path}` });
    await bobClient.waitForMessage({ id });
  });

  test(`over ${path}, a user who is not an admin cannot write in announcements`, async () => {
    const asCyd = await openDriver(path, gatewayA, cyd);
    const command = { command: 'CreateMessage', roomId: 'announcements', text: 'not an admin' } as const;
    await assertRefused(asCyd, command, 'read_only_room');
  });

  test(`over ${path}, a refused command changes nothing`, async () => {
    const { asAnn, asBob, asCyd, roomId, messageId } = await createScene(path);
    const [joined] = await database`select id from messages where room_id = ${roomId} and command = 'AddUser'`;
    const deletedId = await asAnn.commit({ command: 'CreateMessage', roomId, text: 'deleted soon' });
    await asAnn.commit({ command: 'DeleteMessage', roomId, targetId: deletedId });
    const ofAnn = { roomId, targetId: messageId };
    const ofBob = { roomId, targetId: bob.id };
    const cases: [driver: Driver, command: CommandFrame, code: ErrorCode][] = [
      [asBob, { command: 'UpdateMessage', ...ofAnn, text: 'now of Bob' }, 'author_only'],
      [asBob, { command: 'DeleteMessage', ...ofAnn }, 'author_only'],
      [asCyd, { command: 'UpdateMessage', ...ofAnn, text: 'now of Cyd' }, codeOfHiddenMessage[path]],
      [asCyd, { command: 'DeleteMessage', ...ofAnn }, codeOfHiddenMessage[path]],
      [asAnn, { command: 'UpdateMessage', roomId, targetId: joined?.id, text: 'not joined' }, 'not_editable'],
      [asAnn, { command: 'DeleteMessage', roomId, targetId: joined?.id }, 'not_editable'],
      [asAnn, { command: 'UpdateMessage', roomId, targetId: deletedId, text: 'back again' }, 'no_such_message'],
      [asAnn, { command: 'UpdateMessage', ...ofAnn, text: 'x'.repeat(501) }, 'too_long'],
      [asAnn, { command: 'UpdateMessage', ...ofAnn, text: '' }, 'too_short'],
      [asBob, { command: 'UpdateRoom', roomId, text: 'room of Bob' }, 'owner_only'],
      [asBob, { command: 'DeleteRoom', roomId }, 'owner_only'],
      [asCyd, { command: 'UpdateRoom', roomId, text: 'room of Cyd' }, 'no_such_room'],
      [asCyd, { command: 'DeleteRoom', roomId }, 'no_such_room'],
      [asAnn, { command: 'UpdateRoom', roomId: 'general', text: 'room of Ann' }, 'everyones_room'],
      [asAnn, { command: 'DeleteRoom', roomId: 'general' }, 'everyones_room'],
      [asAnn, { command: 'UpdateRoom', roomId, text: 'no' }, 'too_short'],
      [asAnn, { command: 'UpdateRoom', roomId: newId(), text: 'no such room' }, 'no_such_room'],
      [asAnn, { command: 'CreateRoom', text: 'x'.repeat(51) }, 'too_long'],
      [asAnn, { command: 'CreateMessage', roomId: 'nonsense', text: 'Hello' }, 'no_such_room'],
      [asAnn, { command: 'AddUser', ...ofBob }, 'already_in_room'],
      [asAnn, { command: 'AddUser', roomId, targetId: newId() }, 'no_such_user'],
      [asBob, { command: 'AddUser', roomId, targetId: cyd.id }, 'owner_only'],
      [asAnn, { command: 'RemoveUser', roomId, targetId: cyd.id }, 'user_not_in_room'],
      [asAnn, { command: 'RemoveUser', roomId, targetId: ann.id }, 'owner_stays'],
      [asCyd, { command: 'RemoveUser', ...ofBob }, 'no_such_room'],
    ];
    for (const [driver, command, code] of cases) await assertRefused(driver, command, code);
    assert.deepEqual(await history(roomId), ['', 'Hello World!', 'Bob joined the room', 'Room created']);
  });

  test(`a command that is sent over ${path}, and again with the same ref over both paths, has one effect`, async () => {
    const otherPath = paths.find((each) => each !== path) as Path;
    const firstDriver = await openDriver(path, gatewayA, ann);
    const otherDrivers = [await openDriver(path, gatewayB, ann), await openDriver(otherPath, gatewayB, ann)];
    const commitThreeTimes = async (command: CommandFrame) => {
      const withRef = { ...command, ref: newId() };
      const id = await firstDriver.commit(withRef);
      for (const driver of otherDrivers) assert.equal(await driver.commit(withRef), id, command.command);
      return id;
    };
    const roomId = await commitThreeTimes({ command: 'CreateRoom', text: 'a room' });
    const targetId = await commitThreeTimes({ command: 'CreateMessage', roomId, text: 'Hello World!' });
    await commitThreeTimes({ command: 'UpdateMessage', roomId, targetId, text: 'Goodbye World!' });
    await commitThreeTimes({ command: 'DeleteMessage', roomId, targetId });
    await commitThreeTimes({ command: 'AddUser', roomId, targetId: bob.id });
    await commitThreeTimes({ command: 'RemoveUser', roomId, targetId: bob.id });
    await commitThreeTimes({ command: 'UpdateRoom', roomId, text: 'another name' });
    await commitThreeTimes({ command: 'DeleteRoom', roomId });
    const rows = await database`select command from messages where room_id = ${roomId} order by seq`;
    assert.deepEqual(
      rows.map(({ command }) => command),
      [
        'CreateRoom',
        'CreateMessage',
        'UpdateMessage',
        'DeleteMessage',
        'AddUser',
        'RemoveUser',
        'UpdateRoom',
        'DeleteRoom',
      ],
    );
    assert.deepEqual(rows.map(({ command }) => command).toSorted(), commandNames.toSorted());
  });

  test(`over ${path}, a user cannot use one ref for two different commands`, async () => {
    const { asAnn, asBob, roomId } = await createScene(path);
    const message = { command: 'CreateMessage', roomId, ref: newId() } as const;
    await asAnn.commit({ ...message, text: 'first' });
    await assertRefused(asAnn, { ...message, text: 'second' }, 'ref_reused');
    await asBob.commit({ ...message, text: 'the ref of another user' });
  });
}
