import assert from 'node:assert/strict';
import { test } from 'node:test';
import argon2 from 'argon2';
import { newId } from '../shared/contract/ids.ts';
import { call, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';

const { cluster, database } = await startSystem({ gateways: 2, workers: 1 });
const [here, there] = cluster.urls as [string, string];
const [ann, bob, root] = await Promise.all(['Ann', 'Bob', 'Root'].map((name) => createAccount(here, name)));
assert.ok(ann && bob && root);
await database`update users set roles = '{user,admin}' where id = ${root.id}`;

const get = (path: string, token = ann.token) => call(there, `GET ${path}`, { token });
const update = (body: unknown, token = ann.token) => call(here, 'PUT /api/users/update', { token, body });
const registration = { firstName: 'First', lastName: 'Last', email: 'first@example.com', password: 'password' };
const register = (more = {}) => call(here, 'POST /api/users/register', { body: { ...registration, ...more } });
const SHAPE = ['id', 'createdAt', 'updatedAt', 'firstName', 'lastName', 'email', 'roles', 'rooms', 'isOnline'];

test('a registered user has the shape of the seed, and his phone and password never leave the server', async () => {
  const { status, body: user } = await register({ email: 'Shape@Example.com', phone: '123456789' });
  assert.equal(status, 201);
  assert.deepEqual(Object.keys(user).toSorted(), SHAPE.toSorted());
  assert.deepEqual([user.email, user.roles, user.isOnline], ['Shape@Example.com', ['user'], false]);
  assert.doesNotMatch(JSON.stringify(user), /123456789|argon2/);
  const [row] = await database`select phone from users where id = ${user.id}`;
  assert.equal(row?.phone, '123456789');
});

test('an e-mail is one in any case', async () => {
  await register({ email: 'One@Example.com' });
  assert.equal((await register({ email: 'oNE@eXAMPLE.COM' })).body.code, 'email_taken');
  const login = { email: 'ONE@example.com', password: registration.password };
  assert.equal((await call(there, 'POST /api/users/login', { body: login })).status, 200);
});

test('a wrong password and an unknown e-mail get the same answer', async () => {
  const answers = [ann.email, 'nobody@example.com'].map((email) =>
    call(here, 'POST /api/users/login', { body: { email, password: 'not the one' } }),
  );
  const [known, unknown] = await Promise.all(answers);
  assert.deepEqual([known?.status, known?.body], [401, unknown?.body]);
  assert.equal(known?.body.code, 'wrong_credentials');
});

test('a hash of older parameters works, and is renewed by the login', async () => {
  const email = 'older@example.com';
  const { body: user } = await register({ email });
  const older = await argon2.hash(registration.password, { memoryCost: 8_192, timeCost: 3, parallelism: 1 });
  await database`update users set password_hash = ${older} where id = ${user.id}`;
  const login = () => call(here, 'POST /api/users/login', { body: { email, password: registration.password } });
  assert.equal((await login()).status, 200);
  let hash = older;
  const until = Date.now() + 5_000;
  while (hash === older && Date.now() < until) {
    const [row] = await database`select password_hash from users where id = ${user.id}`;
    hash = row?.passwordHash;
  }
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,p=1,t=2\$/);
  assert.equal((await login()).status, 200);
});

test('others see a user without his e-mail and his private rooms; he himself and admins see the e-mail', async () => {
  const body = { name: 'of Bob alone' };
  const { body: secret } = await call(here, 'POST /api/rooms', { token: bob.token, body });
  const { body: open } = await call(here, 'POST /api/rooms', {
    token: bob.token,
    body: { name: 'open to all', roomType: 'Public' },
  });
  const seenBy = async (token: string) => (await get(`/api/users/${bob.id}/`, token)).body;
  const rooms = ({ rooms }: { rooms: { id: string }[] }) =>
    [secret.id, open.id].map((id) => rooms.some((room) => room.id === id));
  const [byAnn, byBob, byRoot] = [await seenBy(ann.token), await seenBy(bob.token), await seenBy(root.token)];
  assert.deepEqual(Object.keys(byAnn).toSorted(), SHAPE.toSorted());
  assert.deepEqual([byAnn.email, byBob.email, byRoot.email], ['', bob.email, bob.email]);
  assert.deepEqual(
    [rooms(byAnn), rooms(byBob), rooms(byRoot)],
    [
      [false, true],
      [true, true],
      [false, true],
    ],
  );
  const listed = byBob.rooms.find(({ id }: { id: string }) => id === open.id);
  assert.deepEqual(listed, { id: open.id, name: 'open to all', ownerId: bob.id, roomType: 'Public' });
});

test('users are listed by pages, in the order in which they came', async () => {
  const { body: all } = await get('/api/users');
  const ids = all.map(({ id }: { id: string }) => id);
  assert.deepEqual(ids, ids.toSorted());
  assert.ok([ann.id, bob.id, root.id].every((id) => ids.includes(id)));
  const { body: second } = await get('/api/users/?page=2&size=2');
  assert.deepEqual(second, all.slice(2, 4));
  assert.deepEqual((await get('/api/users?page=100')).body, []);
});

test('rooms are listed by pages, own ones first', async () => {
  const names = ['b of Ann', 'a of Ann'];
  for (const name of names) await call(here, 'POST /api/rooms', { token: ann.token, body: { name } });
  const { body: all } = await get('/api/rooms');
  const own = all.slice(0, 4).map(({ name }: { name: string }) => name);
  assert.deepEqual(own, ['a of Ann', 'announcements', 'b of Ann', 'general']);
  assert.ok(
    all
      .slice(4)
      .every(
        ({ ownerId, roomType }: { ownerId: string; roomType: string }) => ownerId !== ann.id && roomType !== 'Private',
      ),
  );
  assert.deepEqual((await get('/api/rooms?page=2&size=3')).body, all.slice(3, 6));
});

const search = async (beginning: string) => {
  const { status, body } = await get(`/api/users/email/${encodeURIComponent(beginning)}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body.map(({ firstName, email }: { firstName: string; email: string }) => `${firstName} ${email}`);
};

test('a search finds whose e-mail begins so, in any case; the whole e-mail is shown only to who knew it', async () => {
  await register({ firstName: 'Zoe', email: 'zoe.one@example.com' });
  await register({ firstName: 'Zoey', email: 'Zoe.Two@example.com' });
  assert.deepEqual(await search('ZOE.'), ['Zoe ', 'Zoey ']);
  assert.deepEqual(await search('zoe.two@EXAMPLE.com'), ['Zoey Zoe.Two@example.com']);
  assert.deepEqual(await search('oe.one@example.com'), []);
});

test('in a search, wildcards are letters like others', async () => {
  await register({ firstName: 'Percent', email: 'per%cent_@example.com' });
  await register({ firstName: 'Personal', email: 'personal@example.com' });
  for (const wild of ['per%', 'per%cent_']) assert.deepEqual(await search(wild), ['Percent ']);
  for (const wild of ['%%%', '___', 'p_r', 'per\\%']) assert.deepEqual(await search(wild), []);
});

test('a search answers fifty at most, and by its index alone', async () => {
  await database`
    insert into users (id, first_name, last_name, email, password_hash)
    select gen_random_uuid(), 'Many', 'Testing', 'many.' || n || '@example.com', '' from generate_series(1, 20000) n`;
  await database.unsafe('analyze users');
  assert.equal((await search('many.')).length, 50);
  const plan = await database`
    explain select id from users
    where lower(email) ~>=~ lower('many.') and lower(email) ~<~ lower(${'many.\u{10ffff}'})
    order by lower(email) using ~<~ limit 50`;
  const lines = plan.map((row) => row['QUERY PLAN'] ?? row.queryPlan ?? Object.values(row)[0]).join('\n');
  assert.match(lines, /Index Scan using users_email_search/);
  assert.doesNotMatch(lines, /Sort|Seq Scan/);
});

test('a user changes his own record; his e-mail only as far as capitals go', async () => {
  const { token, email, id } = await createAccount(here, 'Cyd');
  const person = { firstName: 'Cydney', lastName: 'Tester', email: email.toUpperCase(), phone: '+123456789' };
  const { status, body: user } = await update(person, token);
  assert.deepEqual(
    [status, user.id, user.firstName, user.lastName, user.email],
    [200, id, 'Cydney', 'Tester', email.toUpperCase()],
  );
  const stolen = await update({ ...person, email: bob.email }, token);
  assert.deepEqual([stolen.status, stolen.body.code], [403, 'email_unproven']);
  assert.equal((await get('/api/users/current', token)).body.email, email.toUpperCase());
});

const refused: [what: string, body: unknown, code: string][] = [
  ['PUT /api/users/update', { firstName: 'Ann', lastName: 'Testing', email: ann.email }, 'missing_field'],
  [
    'PUT /api/users/update',
    { firstName: 'No', lastName: 'Testing', email: ann.email, phone: '123456789' },
    'too_short',
  ],
  [
    'PUT /api/users/update',
    { firstName: 'Ann', lastName: 'Testing', email: ann.email, phone: '123456789', roles: ['admin'] },
    'unknown_field',
  ],
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
for (const [what, body, code] of refused) {
  test(`${what.replace(/[0-9a-f-]{36}/, ':id')} ${JSON.stringify(body) ?? ''} is refused as ${code}`, async () => {
    const answer = await call(here, what, { token: ann.token, ...(body !== undefined && { body }) });
    assert.equal(answer.body.code, code);
  });
}

test('two changes of one record at once leave one of them whole', async () => {
  const { token, email, id } = await createAccount(here, 'Dot');
  const versions = ['One', 'Two'].map((word) => ({
    firstName: `${word}One`,
    lastName: `${word}Two`,
    email,
    phone: '12345678',
  }));
  await Promise.all(
    versions.map((person, index) => call(index ? here : there, 'PUT /api/users/update', { token, body: person })),
  );
  const { body } = await get(`/api/users/${id}`, token);
  assert.ok(versions.some(({ firstName, lastName }) => firstName === body.firstName && lastName === body.lastName));
});
