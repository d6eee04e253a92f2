import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { Room, User } from '../../shared/contract/answers.ts';
import { limits } from '../../shared/contract/limits.ts';
import { connectDatabase } from '../../shared/database.ts';
import { openTestGateway } from '../../test/support/in-process.ts';
import { parseExactly } from '../../test/support/parse-exactly.ts';
import { until } from '../../test/support/until.ts';

const { gateway, url, database, addUser } = await openTestGateway();
const LONG_NAME = '🦊'.repeat(limits.MAX_NAME_CHARACTERS);
const ROOMS = 120;

async function get(path: string, token: string) {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

async function getList<Schema extends v.GenericSchema>(schema: Schema, path: string, token: string) {
  const { status, text } = await get(path, token);
  assert.equal(status, 200, text);
  return { bytes: Buffer.byteLength(text), answer: parseExactly(schema, JSON.parse(text)) };
}

/** Adds users with long names to many public rooms with long names. @returns the token of an admin in all of them */
async function fillRooms(): Promise<string> {
  const owner = await addUser(LONG_NAME);
  await database`update users set roles = '{user,admin}' where id = ${owner.id}`;
  await database`
    insert into users (id, first_name, last_name, email, password_hash)
    select gen_random_uuid(), ${LONG_NAME}, ${LONG_NAME}, repeat('x', 200) || n || '@example.com', ''
    from generate_series(1, 500) n`;
  await database`
    insert into rooms (id, name, owner_id, room_type)
    select gen_random_uuid(), ${LONG_NAME}, ${owner.id}, 'Public' from generate_series(1, ${ROOMS})`;
  await database`
    insert into memberships (room_id, user_id, created_at)
    select rooms.id, users.id, case when users.id = ${owner.id} then now() - interval '1 hour' else now() end
    from rooms, users where owner_id is not null and (users.id = ${owner.id} or email ~ '^x+[0-9]{1,2}@')`;
  return owner.token;
}

const token = await fillRooms();
const people = v.array(User);
const rooms = v.array(Room);

for (const [path, schema] of [
  ['/api/users', people],
  ['/api/users?size=100', people],
  ['/api/rooms', rooms],
  ['/api/rooms?size=100', rooms],
  ['/api/users/current', User],
] as const) {
  test(`with the longest names, GET ${path.slice(0, 30)} has 50,000 to 100,000 bytes`, async () => {
    const { bytes } = await getList(schema, path, token);
    assert.ok(bytes > limits.MAX_LIST_BYTES / 2 && bytes <= limits.MAX_LIST_BYTES, `${bytes} bytes`);
  });
}

test('a room with 100 members has at most 100,000 bytes', async () => {
  const [{ id } = { id: '' }] = (await getList(rooms, '/api/rooms?size=1&page=3', token)).answer;
  const { bytes, answer } = await getList(Room, `/api/rooms/${id}`, token);
  assert.ok(bytes <= limits.MAX_LIST_BYTES && answer.users.length > 50, `${bytes} bytes`);
});

test('a list of up to 20 rooms shows 10 users of each, and a longer list shows 200 users in all', async () => {
  const shown = async (size: number, page: number) => {
    const { answer } = await getList(rooms, `/api/rooms?size=${size}&page=${page}`, other.token);
    return answer.map(({ users }) => users.length);
  };
  const other = await addUser();
  await database`update users set first_name = 'Short', last_name = 'Short', email = id || '@example.com'`;
  await database`update rooms set name = 'short' where owner_id is not null`;
  assert.deepEqual(await shown(20, 2), Array(20).fill(10));
  assert.deepEqual(await shown(100, 1), Array(100).fill(2));
});

test('the rooms of a user show the users who joined first, and every room of the user is there', async () => {
  const { rooms: own, id } = (await getList(User, '/api/users/current', token)).answer;
  assert.equal(own.length, limits.MAX_ROOMS_OF_USER);
  for (const { users } of own) assert.equal(users[0]?.id, id);
});

test('a user with too many reads is refused, and another user is not', async () => {
  const [flood, bystander] = [await addUser(), await addUser()];
  const blocker = connectDatabase(gateway.config.DATABASE_URL, {
    name: 'rooms-test',
    max: 1,
    readOnly: false,
    timeout: 0,
  });
  await blocker.unsafe('begin; lock table memberships in access exclusive mode');
  const refused: number[] = [];
  const sent = 100;
  const read = async (user: { token: string }) => {
    const answer = await get('/api/rooms', user.token);
    if (answer.status !== 200) refused.push(answer.status);
    return answer;
  };
  const accepted = limits.MAX_LISTS_OF_USER_AT_ONCE + limits.MAX_WAITING_READS_OF_USER;
  const floods = Array.from({ length: sent }, () => read(flood));
  await until(() => refused.length === sent - accepted);
  const others = Array.from({ length: 3 }, () => read(bystander));
  await blocker.unsafe('commit');
  await blocker.end();
  for (const { status } of await Promise.all(others)) assert.equal(status, 200);
  const answers = await Promise.all(floods);
  assert.equal(answers.filter(({ status }) => status === 200).length, accepted);
  const refusal = answers.find(({ status }) => status === 429);
  assert.deepEqual(
    [JSON.parse(refusal?.text ?? '').code, refusal?.headers.get('retry-after')],
    ['too_many_reads', '1'],
  );
});

test('while Redis does not say who is online, lists of all users are read, and none waits for the list of another', async () => {
  const { liveRooms } = gateway;
  const original = liveRooms.whoIsOnline.bind(liveRooms);
  const { promise, resolve } = Promise.withResolvers<void>();
  let waiting = 0;
  liveRooms.whoIsOnline = async (userIds) => {
    waiting++;
    await promise;
    return original(userIds);
  };
  const paths = ['/api/users', '/api/rooms', '/api/users/current', '/api/rooms/general'];
  const lists = [];
  for (let count = 0; count < limits.MAX_LISTS_AT_ONCE; count++) {
    const user = await addUser();
    lists.push(...paths.map((path) => get(path, user.token)));
  }
  await until(
    () => waiting === lists.length,
    10_000,
    () => `${waiting} of ${lists.length} lists wait for Redis`,
  );
  resolve();
  liveRooms.whoIsOnline = original;
  for (const { status } of await Promise.all(lists)) assert.equal(status, 200);
});
