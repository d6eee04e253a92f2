import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../shared/contract/ids.ts';
import { roomCommand, roomCommands } from '../../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../../test/support/system.ts';
import { createReads } from './reads.ts';

const { database } = await openTestDatabase();
const { apply, createUser, createRoom } = roomCommands(database);
const reads = createReads(database);

test('no read returns a deleted room, even if the room still has a member', async () => {
  const ann = await createUser();
  const roomId = await createRoom(ann, 'Public');
  const write = roomCommand('CreateMessage', ann, roomId);
  await apply(write);
  const seen = async () => ({
    room: (await reads.room(roomId, ann)) !== undefined,
    isVisible: await reads.isVisible(roomId, ann),
    inRooms: (await reads.rooms(ann, 1, 100)).some(({ id }) => id === roomId),
    inRoomsOfUser: (await reads.user(ann, ann))?.rooms.some(({ id }) => id === roomId),
    message: (await reads.messageById(write.id, ann)) !== undefined,
  });
  const all = { room: true, isVisible: true, inRooms: true, inRoomsOfUser: true, message: true };
  assert.deepEqual(await seen(), all);
  await database`update rooms set deleted_at = now() where id = ${roomId}`;
  const none = { room: false, isVisible: false, inRooms: false, inRoomsOfUser: false, message: false };
  assert.deepEqual(await seen(), none);
});

test('an e-mail address is visible to its user, to admins and to viewers who search the whole address', async () => {
  const [ann, bob, root] = [await createUser(), await createUser(), await createUser('Root', ['user', 'admin'])];
  const email = `${ann}@example.com`;
  const seenBy = async (viewerId: string) => (await reads.user(ann, viewerId))?.email;
  assert.deepEqual([await seenBy(ann), await seenBy(bob), await seenBy(root)], [email, '', email]);
  const [whole] = await reads.usersByEmail(bob, email.toUpperCase());
  const [beginning] = await reads.usersByEmail(bob, email.slice(0, 30));
  assert.deepEqual([whole?.email, beginning?.email], [email, '']);
});

test('a session shows whether the token is valid and whether the user is an admin', async () => {
  const [ann, root] = [await createUser(), await createUser('Root', ['user', 'admin'])];
  const session = (userId: string, version = 0) => reads.session({ userId, tokenId: newId(), version });
  assert.deepEqual({ ...(await session(ann)) }, { isTokenValid: true, isAdmin: false });
  assert.deepEqual({ ...(await session(root)) }, { isTokenValid: true, isAdmin: true });
  assert.deepEqual({ ...(await session(ann, 1)) }, { isTokenValid: false, isAdmin: false });
  assert.deepEqual({ ...(await session(newId())) }, { isTokenValid: false, isAdmin: false });
});
