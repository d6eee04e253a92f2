import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { newId } from '../shared/contract/ids.ts';
import { type Account, Client, call, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';

const { cluster, database, databaseUrl } = await startSystem({ gateways: 2, workers: 0 });
cluster.startWorker(['persistence']);
cluster.startWorker(['role-changes']);
const [here, there] = cluster.urls as [string, string];
const closed = await startSystem({ gateways: 1, workers: 1, mail: true, env: { ALLOWED_USERS_ONLY: 'true' } });
const [closedUrl] = closed.cluster.urls as [string];

const main = join(import.meta.dirname, '../workers/admin.ts');

/** `npm run admin -- ...` @returns its exit code and all that it said */
async function admin(url: string, ...words: string[]): Promise<[code: number, said: string]> {
  const env = { ...process.env, DATABASE_URL: url };
  const run = promisify(execFile)(process.execPath, [main, ...words], { env });
  return run.then(
    ({ stdout }) => [0, stdout],
    ({ code, stdout, stderr }) => [code, stdout + stderr],
  );
}

const change = (verb: 'POST' | 'DELETE', who: Account, role: string, by: Account, url = here) =>
  call(url, `${verb} /api/users/${who.id}/roles/${role}`, { token: by.token });
const news = async () => {
  const [room] = await database`select id from rooms where name = 'announcements'`;
  return room?.id as string;
};

const root = await createAccount(here, 'Root');
assert.deepEqual(await admin(databaseUrl, 'grant', root.email.toUpperCase()), [
  0,
  `${root.email.toUpperCase()} is an admin\n`,
]);

test('an admin makes others admins and ends that; each change counts from the next command on, on open sockets', async () => {
  const ann = await createAccount(here, 'Ann');
  const client = await Client.connect(there, ann.token);
  const announce = async () => {
    const { command, code } = await client.ask({ command: 'CreateMessage', roomId: await news(), text: 'Hear me!' });
    return code ?? command;
  };
  assert.equal(await announce(), 'read_only_room');
  const granted = await change('POST', ann, 'admin', root);
  assert.deepEqual([granted.status, granted.body.id, granted.body.roles], [200, ann.id, ['user', 'admin']]);
  assert.equal(await announce(), 'Ack');
  const again = await change('POST', ann, 'admin', root, there);
  assert.deepEqual([again.status, again.body.roles], [200, ['user', 'admin']]);
  const taken = await change('DELETE', ann, 'admin', root);
  assert.deepEqual([taken.status, taken.body.roles], [200, ['user']]);
  assert.equal(await announce(), 'read_only_room');
  await client.close();
});

test('who is no admin changes no roles, not even his own', async () => {
  const [ann, bob] = [await createAccount(here, 'Ann'), await createAccount(here, 'Bob')];
  for (const who of [ann, bob, root]) {
    assert.equal((await change('POST', who, 'admin', ann)).body.code, 'admin_only');
    assert.equal((await change('DELETE', who, 'admin', ann)).body.code, 'admin_only');
  }
  const rows = await database`select id from users where 'admin' = any (roles)`;
  assert.deepEqual(
    rows.map(({ id }) => id),
    [root.id],
  );
});

test('a role is one of an enumeration; everyone stays a user; who is not there has none', async () => {
  const ann = await createAccount(here, 'Ann');
  assert.equal((await change('POST', ann, 'king', root)).body.code, 'invalid_field');
  assert.equal((await change('DELETE', ann, 'user', root)).body.code, 'everyones_role');
  assert.equal((await change('POST', { ...ann, id: newId() }, 'admin', root)).body.code, 'no_such_user');
  assert.equal((await change('POST', { ...ann, id: 'nobody' }, 'admin', root)).body.code, 'invalid_field');
});

test('two changes at once both hold', async () => {
  const people = await Promise.all(Array.from({ length: 10 }, () => createAccount(here, 'Many')));
  const answers = await Promise.all(
    people.map((who, index) => change('POST', who, 'admin', root, index % 2 ? here : there)),
  );
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  const ann = await createAccount(here, 'Ann');
  const record = { firstName: 'Anna', lastName: 'Testing', email: ann.email, phone: '123456789' };
  const update = call(there, 'PUT /api/users/update', { token: ann.token, body: record });
  await Promise.all([update, change('POST', ann, 'admin', root)]);
  const { body: user } = await call(here, 'GET /api/users/current', { token: ann.token });
  assert.deepEqual([user.firstName, user.roles], ['Anna', ['user', 'admin']]);
  await Promise.all([...people, ann].map((who) => change('DELETE', who, 'admin', root)));
});

test('the last admin stays one, whoever asks and however many at once', async () => {
  assert.equal((await change('DELETE', root, 'admin', root)).body.code, 'last_admin');
  const [code, said] = await admin(databaseUrl, 'revoke', root.email);
  assert.deepEqual([code, said], [1, 'this is the last admin\n']);
  const ann = await createAccount(here, 'Ann');
  await change('POST', ann, 'admin', root);
  const answers = await Promise.all([
    change('DELETE', root, 'admin', root, here),
    change('DELETE', ann, 'admin', ann, there),
  ]);
  assert.deepEqual(answers.map(({ body }) => body.code ?? 'done').toSorted(), ['done', 'last_admin']);
  assert.deepEqual((await admin(databaseUrl, 'grant', root.email))[0], 0);
  await change('DELETE', ann, 'admin', root);
  assert.deepEqual(await admin(databaseUrl, 'admins'), [0, `${root.email}\n`]);
});

test('of two last admins who end each other in the same moment one stays', async () => {
  const [ann, bob] = [await createAccount(here, 'Ann'), await createAccount(here, 'Bob')];
  const setAdmin = ({ id }: Account, granted: boolean) => database`select set_role(${id}, 'admin', ${granted}) as code`;
  for (const who of [ann, bob]) await setAdmin(who, true);
  await setAdmin(root, false);
  for (let round = 0; round < 50; round++) {
    const ended = await Promise.all([setAdmin(ann, false), setAdmin(bob, false)]);
    assert.deepEqual(ended.map(([row]) => row?.code).toSorted(), ['last_admin', null]);
    for (const who of [ann, bob]) await setAdmin(who, true);
  }
  await setAdmin(root, true);
  for (const who of [ann, bob]) await setAdmin(who, false);
});

test('role changes wait for their own worker, and nothing else does', async () => {
  const ann = await createAccount(here, 'Ann');
  await cluster.workers[1]?.stop();
  const granted = change('POST', ann, 'admin', root);
  const client = await Client.connect(here, ann.token);
  assert.equal((await client.ask({ command: 'CreateRoom', text: 'meanwhile' })).command, 'Ack');
  cluster.startWorker(['role-changes']);
  assert.deepEqual((await granted).body.roles, ['user', 'admin']);
  await change('DELETE', ann, 'admin', root);
  await client.close();
});

test('a worker of a kind that is not there says which there are', async () => {
  const worker = cluster.startWorker(['persistence', 'nonsense' as 'persistence']);
  assert.equal(await worker.ended, 'exit code 64');
  assert.match(
    cluster.logOf(worker),
    /no worker of the kind nonsense; there are: persistence, otp-email, role-changes/,
  );
});

test('who mails nothing needs no mail server, who mails says that it has none', async () => {
  const worker = cluster.startWorker(['otp-email']);
  assert.equal(await worker.ended, 'exit code 78');
  assert.match(cluster.logOf(worker), /config: SMTP_HOST must be set/);
});

for (const words of [
  [],
  ['grant'],
  ['grant', 'nobody'],
  ['crown', 'a@example.com'],
  ['allow', 'a@example.com', 'king'],
  ['admins', 'a@example.com'],
  ['toString', 'a@example.com'],
]) {
  test(`npm run admin -- ${words.join(' ')} says what it can do`, async () => {
    const [code, said] = await admin(databaseUrl, ...words);
    assert.deepEqual([code, said.split('\n')[0]], [64, 'npm run admin -- <command>']);
  });
}

test('npm run admin names an e-mail without an account', async () => {
  assert.deepEqual(await admin(databaseUrl, 'grant', 'nobody@example.com'), [1, 'there is no such user\n']);
});

test('where only those on the list may register, others neither register nor get a code', async () => {
  const person = { firstName: 'First', lastName: 'Last', password: 'password' };
  const register = (email: string) => call(closedUrl, 'POST /api/users/register', { body: { ...person, email } });
  const sendOtp = (email: string) => call(closedUrl, 'POST /api/users/send-otp', { body: { email } });
  const refused = await register('uninvited@example.com');
  assert.deepEqual([refused.status, refused.body.code], [403, 'not_allowed']);
  await admin(closed.databaseUrl, 'allow', 'Invited@Example.com');
  assert.deepEqual(await admin(closed.databaseUrl, 'allowed'), [0, 'invited@example.com user\n']);
  assert.equal((await sendOtp('uninvited@example.com')).status, 200);
  assert.equal((await sendOtp('invited@example.com')).status, 200);
  await closed.mailbox.code('invited@example.com');
  assert.deepEqual(closed.mailbox.mails, []);
  const registered = await register('INVITED@example.com');
  assert.deepEqual([registered.status, registered.body.roles], [201, ['user']]);
  await admin(closed.databaseUrl, 'disallow', 'invited@example.com');
  assert.deepEqual(await admin(closed.databaseUrl, 'allowed'), [0, '']);
});

test('the list gives the first role, one with more rights only to who reads the mail of that address', async () => {
  const person = {
    firstName: 'First',
    lastName: 'Last',
    password: 'password',
    phone: '123456789',
    email: 'chief@example.com',
  };
  await admin(closed.databaseUrl, 'allow', person.email, 'admin');
  const unproven = await call(closedUrl, 'POST /api/users/register', { body: person });
  assert.equal(unproven.body.code, 'email_unproven');
  await call(closedUrl, 'POST /api/users/send-otp', { body: { email: person.email } });
  const otp = await closed.mailbox.code(person.email);
  const { body: user } = await call(closedUrl, 'POST /api/users/register-otp', { body: { ...person, otp } });
  assert.deepEqual(user.roles, ['user', 'admin']);
});
