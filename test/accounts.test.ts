import assert from 'node:assert/strict';
import { test } from 'node:test';
import argon2 from 'argon2';
import * as v from 'valibot';
import { Room, User } from '../shared/contract/answers.ts';
import type { ErrorCode } from '../shared/contract/errors.ts';
import type { RoomType } from '../shared/contract/fields.ts';
import { newId } from '../shared/contract/ids.ts';
import { bodyOf, refused } from './support/answer-checks.ts';
import { type Account, call, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

const { cluster, database } = await startSystem({ gateways: 2, workers: 1 });
const [gatewayA, gatewayB] = cluster.urls as [string, string];
const ann = await createAccount(gatewayA, 'Ann');
const bob = await createAccount(gatewayA, 'Bob');
const root = await createAccount(gatewayA, 'Root');
await database`update users set roles = '{user,admin}' where id = ${root.id}`;

const person = { firstName: 'First', lastName: 'Last', password: 'password' };

const get = (path: string, { token } = ann) => call(gatewayB, `GET ${path}`, { token });
const update = (body: unknown, { token } = ann, url = gatewayA) => call(url, 'PUT /api/users/update', { token, body });
const register = (changes: object) => call(gatewayA, 'POST /api/users/register', { body: { ...person, ...changes } });
const logIn = (email: string, password = person.password) =>
  call(gatewayB, 'POST /api/users/login', { body: { email, password } });
const getUser = async ({ id }: { id: string }, viewer?: Account) =>
  bodyOf(User, await get(`/api/users/${id}/`, viewer));
const createRoom = async (owner: Account, name: string, roomType: RoomType = 'Private') =>
  bodyOf(Room, await call(gatewayA, 'POST /api/rooms', { token: owner.token, body: { name, roomType } }), 201);

test('the answer to a registration shows the user without phone and password', async () => {
  const user = bodyOf(User, await register({ email: 'Shape@Example.com', phone: '123456789' }), 201);
  assert.deepEqual([user.email, user.roles, user.isOnline], ['Shape@Example.com', ['user'], false]);
  assert.doesNotMatch(JSON.stringify(user), /123456789|argon2/);
  const [row] = await database`select phone from users where id = ${user.id}`;
  assert.equal(row?.phone, '123456789');
});

test('upper and lower case are equal in the e-mail of an account', async () => {
  await register({ email: 'One@Example.com' });
  refused(await register({ email: 'oNE@eXAMPLE.COM' }), 'email_taken');
  assert.equal((await logIn('ONE@example.com')).status, 200);
});

test('a login with an unknown e-mail gets the same answer as a login with a wrong password', async () => {
  const answers = [await logIn(ann.email, 'wrong password'), await logIn('nobody@example.com', 'wrong password')];
  const [ofWrongPassword, ofUnknownEmail] = answers.map((answer) => refused(answer, 'wrong_credentials'));
  assert.deepEqual(ofWrongPassword, ofUnknownEmail);
});

test('a login renews a password hash that has older parameters', async () => {
  const email = 'older@example.com';
  const { id } = bodyOf(User, await register({ email }), 201);
  const olderHash = await argon2.hash(person.password, { memoryCost: 8_192, timeCost: 3, parallelism: 1 });
  await database`update users set password_hash = ${olderHash} where id = ${id}`;
  assert.equal((await logIn(email)).status, 200);
  await until(async () => {
    const [row] = await database`select password_hash from users where id = ${id}`;
    return /^\$argon2id\$v=19\$m=19456,p=1,t=2\$/.test(row?.passwordHash);
  });
  assert.equal((await logIn(email)).status, 200);
});

test('only the user and admins see the e-mail of a user', async () => {
  for (const [viewer, email] of [
    [ann, ''],
    [bob, bob.email],
    [root, bob.email],
  ] as const) {
    assert.equal((await getUser(bob, viewer)).email, email);
  }
});

test('other users see only the public rooms of a user', async () => {
  const privateRoom = await createRoom(bob, 'private room');
  const publicRoom = await createRoom(bob, 'public room', 'Public');
  for (const [viewer, seesPrivate] of [
    [ann, false],
    [bob, true],
    [root, false],
  ] as const) {
    const { rooms } = await getUser(bob, viewer);
    assert.equal(
      rooms.some(({ id }) => id === privateRoom.id),
      seesPrivate,
    );
    assert.deepEqual(
      rooms.find(({ id }) => id === publicRoom.id),
      { ...publicRoom, users: [{ ...publicRoom.users[0], email: viewer === ann ? '' : bob.email }] },
    );
  }
});

test('a user in more than 100 rooms sees the 100 rooms that they joined last', async () => {
  const many = await createAccount(gatewayA, 'Many');
  await database`
    insert into rooms (id, name, owner_id, room_type)
    select gen_random_uuid(), 'room ' || n, ${many.id}::uuid, 'Private' from generate_series(1, 100) n`;
  await database`
    insert into memberships (room_id, user_id) select id, ${many.id}::uuid from rooms where owner_id = ${many.id}`;
  const last = await createRoom(many, 'the last');
  const { rooms } = await getUser(many, many);
  assert.deepEqual([rooms.length, rooms.at(-1)?.id], [100, last.id]);
});

test('the pages of the list of users are in the order of the registrations', async () => {
  const users = bodyOf(v.array(User), await get('/api/users'));
  const ids = users.map(({ id }) => id);
  assert.deepEqual(ids, ids.toSorted());
  for (const { id } of [ann, bob, root]) assert.ok(ids.includes(id));
  assert.deepEqual(bodyOf(v.array(User), await get('/api/users/?page=2&size=2')), users.slice(2, 4));
  assert.deepEqual(bodyOf(v.array(User), await get('/api/users?page=100')), []);
});

test('the pages of the list of rooms show the rooms of the caller before the visible rooms of others', async () => {
  // The names differ in their first letter only, so every collation has the same order.
  for (const name of ['Second room', 'First room']) await createRoom(ann, name);
  const rooms = bodyOf(v.array(Room), await get('/api/rooms'));
  const ownNames = rooms.slice(0, 4).map(({ name }) => name);
  assert.deepEqual(ownNames, ['Announcements', 'First room', 'General', 'Second room']);
  const otherRooms = rooms.slice(4);
  assert.ok(otherRooms.length > 0);
  for (const { ownerId, roomType } of otherRooms) assert.ok(ownerId !== ann.id && roomType !== 'Private');
  assert.deepEqual(bodyOf(v.array(Room), await get('/api/rooms?page=2&size=3')), rooms.slice(3, 6));
});

/** Searches for users. @returns the first name and the e-mail of each result; the e-mail is empty if it is not shown */
async function search(prefix: string): Promise<string[]> {
  const users = bodyOf(v.array(User), await get(`/api/users/email/${encodeURIComponent(prefix)}`));
  return users.map(({ firstName, email }) => `${firstName} ${email}`);
}

test('a search finds users by the beginning of their e-mail, in upper or lower case', async () => {
  await register({ firstName: 'Zoe', email: 'zoe.one@example.com' });
  await register({ firstName: 'Zoey', email: 'Zoe.Two@example.com' });
  assert.deepEqual(await search('ZOE.'), ['Zoe ', 'Zoey ']);
  assert.deepEqual(await search('oe.one@example.com'), []);
});

test('a search shows an e-mail only to a caller who typed all of it', async () => {
  await register({ firstName: 'Max', email: 'Max.Two@example.com' });
  assert.deepEqual(await search('max.two@EXAMPLE.co'), ['Max ']);
  assert.deepEqual(await search('max.two@EXAMPLE.com'), ['Max Max.Two@example.com']);
});

test('a search treats the wildcards of SQL as plain characters', async () => {
  await register({ firstName: 'Percent', email: 'per%cent_@example.com' });
  await register({ firstName: 'Personal', email: 'personal@example.com' });
  for (const prefix of ['per%', 'per%cent_']) assert.deepEqual(await search(prefix), ['Percent ']);
  for (const prefix of ['%%%', '___', 'p_r', 'per\\%']) assert.deepEqual(await search(prefix), []);
});

test('a search among 20,000 users uses the index of the e-mails without a sort', async () => {
  await database`
    insert into users (id, first_name, last_name, email, password_hash)
    select gen_random_uuid(), 'Many', 'Testing', 'many.' || n || '@example.com', '' from generate_series(1, 20000) n`;
  await database.unsafe('analyze users');
  assert.equal((await search('many.')).length, 50);
  const plan = await database`
    explain select id from users
    where lower(email) ~>=~ lower('many.') and lower(email) ~<~ lower(${'many.\u{10ffff}'})
    order by lower(email) using ~<~ limit 50`;
  const lines = plan.flatMap((row) => Object.values(row)).join('\n');
  assert.match(lines, /Index Scan using users_email_search/);
  assert.doesNotMatch(lines, /Sort|Seq Scan/);
});

test('without a one-time password, a user may change only upper and lower case in their e-mail', async () => {
  const cyd = await createAccount(gatewayA, 'Cyd');
  const email = cyd.email.toUpperCase();
  const record = { firstName: 'Cydney', lastName: 'Tester', email, phone: '+123456789' };
  const user = bodyOf(User, await update(record, cyd));
  assert.deepEqual([user.id, user.firstName, user.lastName, user.email], [cyd.id, 'Cydney', 'Tester', email]);
  refused(await update({ ...record, email: bob.email }, cyd), 'email_unproven');
  assert.equal(bodyOf(User, await get('/api/users/current', cyd)).email, email);
});

const recordOfAnn = { firstName: 'Ann', lastName: 'Testing', email: ann.email, phone: '123456789' };
const UPDATE = 'PUT /api/users/update';
const refusals: [request: string, description: string, body: unknown, code: ErrorCode][] = [
  [UPDATE, 'without a phone', { ...recordOfAnn, phone: undefined }, 'missing_field'],
  [UPDATE, 'with a first name of 2 characters', { ...recordOfAnn, firstName: 'No' }, 'too_short'],
  ['GET /api/users?page=101', 'with a page over 100', undefined, 'invalid_field'],
  ['GET /api/users/nonsense', 'with an id that is not a UUID', undefined, 'no_such_user'],
  [`GET /api/users/${newId()}`, 'with an unknown id', undefined, 'no_such_user'],
  ['GET /api/users/email/ab', 'with a search of 2 characters', undefined, 'too_short'],
  ['GET /api/users/email/%E0%A4%A', 'with a path that is not URL-encoded UTF-8', undefined, 'bad_request'],
  ['GET /api/users/email/abc%00', 'with a NUL character', undefined, 'invalid_field'],
  ['GET /api/users/login', 'with the method of another route', undefined, 'method_not_allowed'],
  ['POST /api/users/current', 'with the method of another route', {}, 'method_not_allowed'],
];
for (const [request, description, body, code] of refusals) {
  test(`${request.replace(/[0-9a-f-]{36}/, ':id')} ${description} is refused as ${code}`, async () => {
    refused(await call(gatewayA, request, { token: ann.token, body }), code);
  });
}

test('two changes of one user at the same time are not mixed', async () => {
  const records = ['One', 'Two'].map((word) => ({
    ...recordOfAnn,
    firstName: `${word}First`,
    lastName: `${word}Last`,
  }));
  await Promise.all([update(records[0], ann, gatewayA), update(records[1], ann, gatewayB)]);
  const { firstName, lastName } = await getUser(ann);
  assert.ok(['OneFirst OneLast', 'TwoFirst TwoLast'].includes(`${firstName} ${lastName}`), `${firstName} ${lastName}`);
});
