import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import { readImported, runImport } from './support/npm-run-import.ts';
import { createOriginal, messageRow, time, userRow, uuid } from './support/original.ts';
import { storeMessage } from './support/stored-messages.ts';
import { createTestDatabase, openTestDatabase } from './support/system.ts';

const [ann, bob, team] = [uuid(1), uuid(2), uuid(11)];
const times = { created_at: time(0), updated_at: time(0) };

/** Makes an original with two users, and with one room of one message. */
async function createSmallOriginal() {
  const original = await createOriginal();
  await original.insert('users', userRow(ann, 'Ann'), userRow(bob, 'Bob'));
  await original.insert('rooms', { id: team, name: 'team', owner_id: ann, room_type: 'Private', ...times });
  await original.insert('messages', messageRow({ id: uuid(100), room_id: team, user_id: ann, created_at: time(1) }));
  return original;
}

const original = await createSmallOriginal();
const rooms = await openTestDatabase();

/** Runs an import and a dry run. Asserts that both exit with 1, print the same error lines and write nothing. */
async function runRefused(databaseUrl = rooms.url, originalUrl = original.url): Promise<string[]> {
  const before = await readImported(rooms.database);
  const dryRun = await runImport(databaseUrl, '--dry-run', originalUrl);
  const { code, errors } = await runImport(databaseUrl, originalUrl);
  assert.deepEqual([code, errors], [1, dryRun.errors]);
  assert.equal(dryRun.code, 1);
  assert.deepEqual(await readImported(rooms.database), before);
  return errors;
}

test('each row that Rooms cannot import is printed with its table, its id and the reason', async () => {
  const broken = await createSmallOriginal();
  await broken.database.unsafe(`
    alter table messages drop constraint fk_rooms_messages, drop constraint fk_messages_user;
    alter table room_users drop constraint fk_room_users_user, drop constraint fk_room_users_room`);
  await broken.insert(
    'users',
    userRow('nobody', 'Nobody'),
    userRow('00000000-0000-0000-0000-000000000001', 'Standing'),
    userRow(uuid(3), 'Old', { created_at: '-infinity' }),
    userRow(uuid(4), 'Null', { last_name: null }),
    userRow(uuid(5), 'Without', { email: null }),
    userRow(uuid(6), 'Twin', { email: 'BOB@example.com' }),
    userRow(uuid(7), 'Plain', { password: 'a password' }),
  );
  const room = { name: 'room', owner_id: ann, room_type: 'Public', ...times };
  await broken.insert(
    'rooms',
    { ...room, id: uuid(11).toUpperCase() },
    { ...room, id: uuid(12), updated_at: null },
    { ...room, id: uuid(13), name: null },
    { ...room, id: uuid(14), room_type: 'Secret' },
    { ...room, id: uuid(15), owner_id: uuid(999) },
  );
  await broken.insert('room_users', { room_id: team, user_id: uuid(999) }, { room_id: uuid(998), user_id: bob });
  const message = (id: number, columns: object) => ({
    ...messageRow({ id: uuid(id), room_id: team, user_id: ann, created_at: time(1) }),
    ...columns,
  });
  await broken.insert(
    'messages',
    message(101, { id: 'first' }),
    message(102, { created_at: '0001-01-01T00:00:00Z' }),
    message(103, { text: null }),
    message(104, { room_id: uuid(998) }),
    message(105, { user_id: uuid(999) }),
    message(106, { command: 'AddUser', target_id: uuid(999) }),
    message(107, { command: 'Dance' }),
    message(108, { command: 'DeleteRoom' }),
  );
  const notUuid = 'its id is not a UUID in lower case';
  const notTime = 'its created_at or updated_at is not a time between the years 1970 and 9999';
  const sameEmail = 'another user has the same e-mail (upper and lower case are equal)';
  assert.deepEqual(await runRefused(rooms.url, broken.url), [
    `users 00000000-0000-0000-0000-000000000001: ${notUuid}`,
    `users ${bob}: ${sameEmail}`,
    `users ${uuid(3)}: ${notTime}`,
    `users ${uuid(4)}: its first_name or last_name is null`,
    `users ${uuid(5)}: its email is null`,
    `users ${uuid(6)}: ${sameEmail}`,
    `users ${uuid(7)}: its password is not a bcrypt hash of cost 4 to 16`,
    `users nobody: ${notUuid}`,
    `rooms ${uuid(11).toUpperCase()}: ${notUuid}`,
    `rooms ${uuid(12)}: ${notTime}`,
    `rooms ${uuid(13)}: its name is null`,
    `rooms ${uuid(14)}: its room_type is unknown`,
    `rooms ${uuid(15)}: its owner_id is not a user`,
    `room_users ${team} ${uuid(999)}: its user_id is not a user`,
    `room_users ${uuid(998)} ${bob}: its room_id is not a room`,
    `messages ${uuid(102)}: ${notTime}`,
    `messages ${uuid(103)}: its text is null`,
    `messages ${uuid(104)}: its room_id is not a room`,
    `messages ${uuid(105)}: its user_id is not a user`,
    `messages ${uuid(106)}: its target_id is not a user`,
    `messages ${uuid(107)}: its command is unknown`,
    `messages ${uuid(108)}: its command is unknown`,
    `messages first: ${notUuid}`,
    'Nothing was imported. Correct these rows, then start again.',
  ]);
});

test('of 25 bad rows in one table, 20 are printed and 5 are counted', async () => {
  const broken = await createSmallOriginal();
  const rows = Array.from({ length: 25 }, (_, index) => userRow(uuid(200 + index), `User${index}`, { email: null }));
  await broken.insert('users', ...rows);
  const errors = await runRefused(rooms.url, broken.url);
  assert.equal(errors.length, 22);
  assert.deepEqual(errors[20], 'users: 5 more');
});

test('an e-mail that a user of Rooms with another id has is refused', async () => {
  const id = newId();
  await rooms.database`
    insert into users (id, first_name, last_name, email, password_hash) values (${id}, 'Ann', 'Other', 'ANN@example.com', '')`;
  assert.deepEqual((await runRefused())[0], `users ${ann}: a user of Rooms with another id has its e-mail`);
  await rooms.database`delete from users where id = ${id}`;
});

test('a room of Rooms with a message that is not in the original is refused', async () => {
  const id = newId();
  await rooms.database`
    insert into users (id, first_name, last_name, email, password_hash) values (${id}, 'Zoe', 'Other', 'zoe@example.com', '')`;
  const { id: messageId } = await storeMessage(rooms.database, {
    roomId: 'general',
    userId: id,
    command: 'CreateMessage',
  });
  const reason = 'it has messages in Rooms that are not in the original';
  assert.deepEqual((await runRefused())[0], `rooms general: ${reason}`);
  await rooms.database`delete from messages where id = ${messageId}`;
  await rooms.database`update rooms set seq = 0 where id = ${'general'}`;
});

test('messages that were added to the original between other messages after an import are refused', async () => {
  const changed = await createSmallOriginal();
  const another = await openTestDatabase();
  assert.equal((await runImport(another.url, changed.url)).code, 0);
  await changed.insert('messages', messageRow({ id: uuid(101), room_id: team, user_id: ann, created_at: time(9) }));
  assert.equal((await runImport(another.url, changed.url)).code, 0);
  await changed.insert('messages', messageRow({ id: uuid(102), room_id: team, user_id: ann, created_at: time(5) }));
  const { code, errors } = await runImport(another.url, changed.url);
  assert.deepEqual([code, errors[0]], [1, `rooms ${team}: its messages in Rooms are not those of the original`]);
});

test('a database that cannot be reached or is the wrong one is named in one line, without its password', async () => {
  const unreachable = 'postgres://rooms:a-secret@127.0.0.1:1/rooms';
  const empty = await createTestDatabase();
  const lines = async (databaseUrl: string, originalUrl: string) => {
    const { code, errors } = await runImport(databaseUrl, originalUrl);
    assert.deepEqual([code, errors.length], [1, 1], errors.join('\n'));
    return errors[0] as string;
  };
  assert.match(await lines(rooms.url, unreachable), /^the original: .*ECONNREFUSED 127\.0\.0\.1:1$/);
  assert.match(await lines(unreachable, original.url), /^Rooms: .*ECONNREFUSED 127\.0\.0\.1:1$/);
  const wrong = 'this is not a database of the original: ';
  assert.equal(await lines(rooms.url, empty), `${wrong}relation "users" does not exist`);
  assert.equal(await lines(rooms.url, rooms.url), `${wrong}column "password" does not exist`);
  assert.match(
    await lines(empty, original.url),
    /^the database of Rooms is not up to date\. Run "npm run migrate": relation "messages" does not exist$/,
  );
  const unknown = new URL(original.url);
  unknown.pathname = '/nothing';
  assert.equal(await lines(rooms.url, unknown.href), 'the original: database "nothing" does not exist');
});

test('an import with wrong words on its command line prints how to use it and exits with 64', async () => {
  const calls = [[], ['--dry-run'], ['nonsense'], ['--force', original.url], [original.url, original.url]];
  for (const words of calls) {
    const { code, errors } = await runImport(rooms.url, ...words);
    assert.deepEqual(
      [code, errors[0]],
      [64, 'npm run import -- [--dry-run] <DATABASE_URL of the original>'],
      `${words}`,
    );
  }
});
