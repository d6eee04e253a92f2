import assert from 'node:assert/strict';
import { test } from 'node:test';
import argon2 from 'argon2';
import * as v from 'valibot';
import { Room, User } from '../shared/contract/answers.ts';
import type { ErrorCode } from '../shared/contract/errors.ts';
import type { RoomType } from '../shared/contract/fields.ts';
import { newId } from '../shared/contract/ids.ts';
import { bodyOf, refused } from './support/answers.ts';
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

test('e-mails are case-insensitive', async () => {
  await register({ email: 'One@Example.com' });
  refused(await register({ email: 'oNE@eXAMPLE.COM' }), 'email_taken');
  assert.equal((await logIn('ONE@example.com')).status, 200);
});

test('a wrong password and an unknown e-mail get the same answer', async () => {
  const answers = [await logIn(ann.email, 'wrong password'), await logIn('nobody@example.com', 'wrong password')];
  const [known, unknown] = answers.map((answer) => refused(answer, 'wrong_credentials'));
  assert.deepEqual(known, unknown);
});

test('a login renews a password hash that has older parameters', async () => {
  const email = 'older@example.com';
  const { id } = bodyOf(User, await register({ email }), 201);
  const older = await argon2.hash(person.password, { memoryCost: 8_192, timeCost: 3, parallelism: 1 });
  await database`update users set password_hash = ${older} where id = ${id}`;
  assert.equal((await logIn(email)).status, 200);
  await until(async () => {
    const [row] = await database`select password_hash from users where id = ${id}`;
    return /^\$argon2id\$v=19\$m=19456,p=1,t=2\$/.test(row?.passwordHash);
  });
  assert.equal((await logIn(email)).status, 200);
});

test('a user and admins see the e-mail of the user, and only the user sees their private rooms', async () => {
  const privateRoom = await createRoom(bob, 'private room');
  const publicRoom = await createRoom(bob, 'public room', 'Public');
  for (const [viewer, email, seesPrivate] of [
    [ann, '', false],
    [bob, bob.email, true],
    [root, bob.email, false],
  ] as const) {
    const user = await getUser(bob, viewer);
    assert.equal(user.email, email);
    assert.equal(
      user.rooms.some(({ id }) => id === privateRoom.id),
      seesPrivate,
    );
    const { id, name, ownerId, roomType } = publicRoom;
    assert.deepEqual(
      user.rooms.find((room) => room.id === id),
      { id, name, ownerId, roomType },
    );
  }
});

test('users are listed by page in the order of their registration', async () => {
  const users = bodyOf(v.array(User), await get('/api/users'));
  const ids = users.map(({ id }) => id);
  assert.deepEqual(ids, ids.toSorted());
  for (const { id } of [ann, bob, root]) assert.ok(ids.includes(id));
  assert.deepEqual(bodyOf(v.array(User), await get('/api/users/?page=2&size=2')), users.slice(2, 4));
  assert.deepEqual(bodyOf(v.array(User), await get('/api/users?page=100')), []);
});

test('rooms are listed by page: the rooms of the caller by name, then the visible rooms of others', async () => {
  for (const name of ['b of Ann', 'a of Ann']) await createRoom(ann, name);
  const rooms = bodyOf(v.array(Room), await get('/api/rooms'));
  const own = rooms.slice(0, 4).map(({ name }) => name);
  assert.deepEqual(own, ['a of Ann', 'announcements', 'b of Ann', 'general']);
  const others = rooms.slice(4);
  assert.ok(others.length > 0);
  for (const { ownerId, roomType } of others) assert.ok(ownerId !== ann.id && roomType !== 'Private');
  assert.deepEqual(bodyOf(v.array(Room), await get('/api/rooms?page=2&size=3')), rooms.slice(3, 6));
});

async function search(prefix: string): Promise<string[]> {
  const users = bodyOf(v.array(User), await get(`/api/users/email/${encodeURIComponent(prefix)}`));
  return users.map(({ firstName, email }) => `${firstName} ${email}`);
}

test('a case-insensitive search by prefix finds users, and shows an e-mail only if the caller typed all of it', async () => {
  await register({ firstName: 'Zoe', email: 'zoe.one@example.com' });
  await register({ firstName: 'Zoey', email: 'Zoe.Two@example.com' });
  assert.deepEqual(await search('ZOE.'), ['Zoe ', 'Zoey ']);
  assert.deepEqual(await search('zoe.two@EXAMPLE.com'), ['Zoey Zoe.Two@example.com']);
  assert.deepEqual(await search('oe.one@example.com'), []);
});

test('a search treats wildcards as letters', async () => {
  await register({ firstName: 'Percent', email: 'per%cent_@example.com' });
  await register({ firstName: 'Personal', email: 'personal@example.com' });
  for (const prefix of ['per%', 'per%cent_']) assert.deepEqual(await search(prefix), ['Percent ']);
  for (const prefix of ['%%%', '___', 'p_r', 'per\\%']) assert.deepEqual(await search(prefix), []);
});

test('a search among 20,000 users finds 50 and reads only an index', async () => {
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

test('a user changes their record, but of their e-mail only upper and lower case', async () => {
  const cyd = await createAccount(gatewayA, 'Cyd');
  const email = cyd.email.toUpperCase();
  const record = { firstName: 'Cydney', lastName: 'Tester', email, phone: '+123456789' };
  const user = bodyOf(User, await update(record, cyd));
  assert.deepEqual([user.id, user.firstName, user.lastName, user.email], [cyd.id, 'Cydney', 'Tester', email]);
  refused(await update({ ...record, email: bob.email }, cyd), 'email_unproven');
  assert.equal(bodyOf(User, await get('/api/users/current', cyd)).email, email);
});

const ofAnn = { firstName: 'Ann', lastName: 'Testing', email: ann.email, phone: '123456789' };
const refusals: [request: string, body: unknown, code: ErrorCode][] = [
  ['PUT /api/users/update', { ...ofAnn, phone: undefined }, 'missing_field'],
  ['PUT /api/users/update', { ...ofAnn, firstName: 'No' }, 'too_short'],
  ['PUT /api/users/update', { ...ofAnn, roles: ['admin'] }, 'unknown_field'],
  ['GET /api/users?page=101', undefined, 'invalid_field'],
  ['GET /api/users?size=101', undefined, 'invalid_field'],
  ['GET /api/users?after=1', undefined, 'unknown_field'],
  ['GET /api/rooms?size=0', undefined, 'invalid_field'],
  ['GET /api/users/nonsense', undefined, 'invalid_field'],
  [`GET /api/users/${newId()}`, undefined, 'no_such_user'],
  ['GET /api/users/email/ab', undefined, 'too_short'],
  ['GET /api/users/email/%E0%A4%A', undefined, 'bad_request'],
  ['GET /api/users/email/abc%00', undefined, 'invalid_field'],
  ['GET /api/users/login', undefined, 'method_not_allowed'],
  ['POST /api/users/current', {}, 'method_not_allowed'],
];
for (const [request, body, code] of refusals) {
  const withBody = body ? ` with ${JSON.stringify(body)}` : '';
  test(`${request.replace(/[0-9a-f-]{36}/, ':id')}${withBody} is refused as ${code}`, async () => {
    refused(await call(gatewayA, request, { token: ann.token, body }), code);
  });
}

test('of two changes of one record at once, one is stored completely', async () => {
  const records = ['One', 'Two'].map((word) => ({ ...ofAnn, firstName: `${word}First`, lastName: `${word}Last` }));
  await Promise.all([update(records[0], ann, gatewayA), update(records[1], ann, gatewayB)]);
  const { firstName, lastName } = await getUser(ann);
  assert.ok(['OneFirst OneLast', 'TwoFirst TwoLast'].includes(`${firstName} ${lastName}`), `${firstName} ${lastName}`);
});
