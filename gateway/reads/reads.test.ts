import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../shared/contract/ids.ts';
import { encodeMessage, type Message } from '../../shared/contract/messages.ts';
import type { Database } from '../../shared/database.ts';
import { roomCommand, roomCommands } from '../../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../../test/support/system.ts';
import { createReads } from './reads.ts';

const { database } = await openTestDatabase();
const { apply, createUser, createRoom } = roomCommands(database);
const reads = createReads(database);
const readHistory = (roomId: string, userId: string) =>
  reads.history({ bearer: { userId, tokenId: newId(), version: 0 }, roomId, range: { size: 20 } });
const readEvents = (roomId: string, userId: string) =>
  reads.events({ bearer: { userId, tokenId: newId(), version: 0 }, roomId, after: 0, size: 100 });

test('no read returns a deleted room, even if the room still has a member', async () => {
  const ann = await createUser();
  const roomId = await createRoom(ann, 'Public');
  const write = roomCommand('CreateMessage', ann, roomId);
  await apply(write);
  const seen = async () => ({
    room: (await reads.room(roomId, ann)) !== undefined,
    isVisible: (await readHistory(roomId, ann)).head !== undefined,
    inEvents: (await readEvents(roomId, ann)).head !== undefined,
    inRooms: (await reads.rooms(ann, 1, 100)).some(({ id }) => id === roomId),
    inRoomsOfUser: (await reads.roomsOfUser(ann, ann)).some(({ id }) => id === roomId),
    message: (await reads.messageById(write.id, ann)) !== undefined,
  });
  const all = { room: true, isVisible: true, inEvents: true, inRooms: true, inRoomsOfUser: true, message: true };
  assert.deepEqual(await seen(), all);
  await database`update rooms set deleted_at = now() where id = ${roomId}`;
  const none = { room: false, isVisible: false, inEvents: false, inRooms: false, inRoomsOfUser: false, message: false };
  assert.deepEqual(await seen(), none);
});

test('an e-mail address is visible to its user, to admins and to viewers who search the whole address', async () => {
  const [ann, bob, root] = [await createUser(), await createUser(), await createUser('Root', ['user', 'admin'])];
  const email = `${ann}@example.com`;
  const seenBy = async (viewerId: string) => (await reads.people([ann], viewerId))[0]?.email;
  assert.deepEqual([await seenBy(ann), await seenBy(bob), await seenBy(root)], [email, '', email]);
  const [whole] = await reads.usersByEmail(bob, email.toUpperCase());
  const [beginning] = await reads.usersByEmail(bob, email.slice(0, 30));
  assert.deepEqual([whole?.email, beginning?.email], [email, '']);
});

test('users who do not exist are missing, and a result without rows is refused as unavailable', async (t) => {
  const ann = await createUser();
  const idsOf = async (ids: string[]) => (await reads.people(ids, ann)).map(({ id }) => id);
  assert.deepEqual([await idsOf([newId(), ann]), await idsOf([newId()]), await idsOf([])], [[ann], [], []]);
  const withoutRows = (...call: Parameters<Database>) => {
    const statement = database(...call);
    t.mock.method(statement as unknown as Promise<[]>, 'then', (resolve: (rows: []) => void) => resolve([]));
    return statement;
  };
  const emptyReads = createReads(Object.assign(withoutRows, database) as unknown as Database);
  await assert.rejects(emptyReads.people([ann], ann), { code: 'unavailable' });
  await assert.rejects(emptyReads.membershipsIn(ann, [newId()]), { code: 'unavailable' });
  await assert.rejects(emptyReads.session({ userId: ann, tokenId: newId(), version: 0 }), { code: 'unavailable' });
});

test('a session shows whether the token is valid and whether the user is an admin', async () => {
  const [ann, root] = [await createUser(), await createUser('Root', ['user', 'admin'])];
  const session = (userId: string, version = 0) => reads.session({ userId, tokenId: newId(), version });
  assert.deepEqual({ ...(await session(ann)) }, { isTokenValid: true, isAdmin: false });
  assert.deepEqual({ ...(await session(root)) }, { isTokenValid: true, isAdmin: true });
  assert.deepEqual({ ...(await session(ann, 1)) }, { isTokenValid: false, isAdmin: false });
  assert.deepEqual({ ...(await session(newId())) }, { isTokenValid: false, isAdmin: false });
});

test('the JSON of a history that Postgres makes is equal to the JSON of encodeMessage', async () => {
  const ann = await createUser('A "fox" 🦊');
  const roomId = await createRoom(ann);
  const texts = ['plain', 'quotes " \\ /', 'lines\n\r\t\b\f', 'control \u0001 \u001f \u007f', '🦊 ä \u2028 \u2029 <>&'];
  texts.push('@A "fox" 🦊 Testing');
  const written = texts.map((text) => roomCommand('CreateMessage', ann, roomId, { text }));
  await apply(...written);
  const [edited = '', deleted = ''] = written.map(({ id }) => id);
  await apply(
    roomCommand('UpdateMessage', ann, roomId, { targetId: edited, text: 'edited for @A "fox" 🦊 Testing' }),
    roomCommand('DeleteMessage', ann, roomId, { targetId: deleted }),
    roomCommand('UpdateRoom', ann, roomId, { text: 'a "name"' }),
    roomCommand('CreateMessage', ann, 'general'),
  );
  await database`update messages set created_at = '2026-01-02T03:04:05Z', updated_at = '2026-01-02T03:04:05.1Z'`;
  for (const [id, count] of [
    [roomId, texts.length + 2],
    ['general', 1],
  ] as const) {
    const { messages } = await readHistory(id, ann);
    const shown = JSON.parse(messages.toString());
    assert.equal(shown.length, count);
    const read = await Promise.all(shown.map((message: { id: string }) => reads.messageById(message.id, ann)));
    assert.equal(messages.toString(), `[${read.map(encodeMessage).join()}]`);
    assert.equal(shown.filter((message: Message) => message.mentions?.[0] === ann).length, id === roomId ? 2 : 0);
  }
});

test('neither a history nor events are read for a token that a logout ended', async () => {
  const ann = await createUser();
  const tokenId = newId();
  await database`insert into revoked_tokens (id, expires_at) values (${tokenId}, now() + interval '1 hour')`;
  const roomId = await createRoom(ann);
  const [noMessages, noEvents] = ['[]', '{"events":[],"head":}'].map((text) => Buffer.from(text));
  for (const bearer of [
    { userId: ann, tokenId, version: 0 },
    { userId: ann, tokenId: newId(), version: 1 },
    { userId: newId(), tokenId: newId(), version: 0 },
  ]) {
    const [history, events] = [
      await reads.history({ bearer, roomId, range: { size: 20 } }),
      await reads.events({ bearer, roomId, after: 0, size: 20 }),
    ];
    assert.deepEqual(history, { isTokenValid: false, head: undefined, messages: noMessages });
    assert.deepEqual(events, { isTokenValid: false, head: undefined, answer: noEvents });
  }
});
