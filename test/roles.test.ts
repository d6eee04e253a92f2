import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { User } from '../shared/contract/answers.ts';
import { newId } from '../shared/contract/ids.ts';
import { runAdmin } from './support/admin.ts';
import { bodyOf, countCodes, refused } from './support/answers.ts';
import { type Account, Client, call, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';

const { cluster, database, databaseUrl } = await startSystem({ gateways: 2, workers: 0 });
cluster.startWorker(['persistence']);
const roleWorker = cluster.startWorker(['role-changes']);
const [gatewayA, gatewayB] = cluster.urls as [string, string];

const admin = (...words: string[]) => runAdmin(databaseUrl, ...words);
const changeRole = (method: 'POST' | 'DELETE', target: { id: string }, role: string, caller: Account, url = gatewayA) =>
  call(url, `${method} /api/users/${target.id}/roles/${role}`, { token: caller.token });
const grantAdmin = (target: { id: string }, caller: Account, url = gatewayA) =>
  changeRole('POST', target, 'admin', caller, url);
const revokeAdmin = (target: { id: string }, caller: Account, url = gatewayA) =>
  changeRole('DELETE', target, 'admin', caller, url);

const [ann, bob] = [await createAccount(gatewayA, 'Ann'), await createAccount(gatewayA, 'Bob')];
const root = await createAccount(gatewayA, 'Root');
const rootEmail = root.email.toUpperCase();
assert.deepEqual(await admin('grant', rootEmail), [0, `${rootEmail} is an admin\n`]);
const [announcements] = await database`select id from rooms where name = 'announcements'`;

test('a role that an admin grants or revokes counts from the next command of an open socket', async () => {
  const client = await Client.connect(gatewayB, ann.token);
  after(() => client.close());
  const announce = () => client.ask({ command: 'CreateMessage', roomId: announcements?.id, text: 'news' });
  refused(await announce(), 'read_only_room');
  assert.deepEqual(bodyOf(User, await grantAdmin(ann, root)).roles, ['user', 'admin']);
  assert.equal((await announce()).command, 'Ack');
  assert.deepEqual(bodyOf(User, await grantAdmin(ann, root, gatewayB)).roles, ['user', 'admin']);
  assert.deepEqual(bodyOf(User, await revokeAdmin(ann, root)).roles, ['user']);
  refused(await announce(), 'read_only_room');
});

test('a user who is not an admin changes no role, not even their own', async () => {
  for (const target of [ann, bob, root]) {
    refused(await grantAdmin(target, ann), 'admin_only');
    refused(await revokeAdmin(target, ann), 'admin_only');
  }
  const rows = await database`select id from users where 'admin' = any (roles)`;
  assert.deepEqual(
    rows.map(({ id }) => id),
    [root.id],
  );
});

test('an admin cannot grant an unknown role, revoke the role user, or change an unknown user', async () => {
  refused(await changeRole('POST', ann, 'king', root), 'invalid_field');
  refused(await changeRole('DELETE', ann, 'user', root), 'everyones_role');
  refused(await grantAdmin({ id: newId() }, root), 'no_such_user');
  refused(await grantAdmin({ id: 'nobody' }, root), 'invalid_field');
});

test('10 grants at once all hold, and so do a grant and a change of the same record at once', async () => {
  const users = await Promise.all(Array.from({ length: 10 }, () => createAccount(gatewayA, 'Many')));
  const grants = users.map((user, index) => grantAdmin(user, root, index % 2 ? gatewayA : gatewayB));
  assert.deepEqual(countCodes(await Promise.all(grants)), { 200: 10 });
  const record = { firstName: 'Anna', lastName: 'Testing', email: ann.email, phone: '123456789' };
  await Promise.all([
    call(gatewayB, 'PUT /api/users/update', { token: ann.token, body: record }),
    grantAdmin(ann, root),
  ]);
  const user = bodyOf(User, await call(gatewayA, 'GET /api/users/current', { token: ann.token }));
  assert.deepEqual([user.firstName, user.roles], ['Anna', ['user', 'admin']]);
  await Promise.all([...users, ann].map((each) => revokeAdmin(each, root)));
});

test('the last admin cannot be revoked over HTTP, by the operator, or by two requests at once', async () => {
  refused(await revokeAdmin(root, root), 'last_admin');
  assert.deepEqual(await admin('revoke', root.email), [1, 'this is the last admin\n']);
  await grantAdmin(ann, root);
  const answers = await Promise.all([revokeAdmin(root, root, gatewayA), revokeAdmin(ann, ann, gatewayB)]);
  assert.deepEqual(countCodes(answers), { 200: 1, last_admin: 1 });
  assert.equal((await admin('grant', root.email))[0], 0);
  await revokeAdmin(ann, root);
  assert.deepEqual(await admin('admins'), [0, `${root.email}\n`]);
});

test('in 50 rounds, one of two last admins who revoke each other at once stays an admin', async () => {
  const setAdmin = ({ id }: Account, granted: boolean) => database`select set_role(${id}, 'admin', ${granted}) as code`;
  for (const user of [ann, bob]) await setAdmin(user, true);
  await setAdmin(root, false);
  for (let round = 0; round < 50; round++) {
    const revoked = await Promise.all([setAdmin(ann, false), setAdmin(bob, false)]);
    assert.deepEqual(revoked.map(([row]) => row?.code).toSorted(), ['last_admin', null]);
    for (const user of [ann, bob]) await setAdmin(user, true);
  }
  await setAdmin(root, true);
  for (const user of [ann, bob]) await setAdmin(user, false);
});

test('a role change waits for the role-changes worker, and a room command does not', async () => {
  await roleWorker.stop();
  const granted = grantAdmin(ann, root);
  const client = await Client.connect(gatewayA, ann.token);
  after(() => client.close());
  await client.commit({ command: 'CreateRoom', text: 'a room' });
  cluster.startWorker(['role-changes']);
  assert.deepEqual(bodyOf(User, await granted).roles, ['user', 'admin']);
  await revokeAdmin(ann, root);
});

test('a worker of an unknown kind ends with a list of the kinds', async () => {
  const worker = cluster.startWorker(['persistence', 'nonsense' as 'persistence']);
  assert.equal(await worker.ended, 'exit code 64');
  assert.match(cluster.logOf(worker), /nonsense.*persistence, otp-email, role-changes/);
});

test('an otp-email worker without SMTP_HOST ends and names the variable', async () => {
  const worker = cluster.startWorker(['otp-email']);
  assert.equal(await worker.ended, 'exit code 78');
  assert.match(cluster.logOf(worker), /config: SMTP_HOST must be set/);
});

test('npm run admin with wrong words shows its commands and ends with 64', async () => {
  const calls = [
    [],
    ['grant'],
    ['grant', 'nobody'],
    ['crown', 'a@example.com'],
    ['allow', 'a@example.com', 'king'],
    ['admins', 'a@example.com'],
    ['toString', 'a@example.com'],
  ];
  await Promise.all(
    calls.map(async (words) => {
      const [code, output] = await admin(...words);
      assert.deepEqual([code, output.split('\n')[0]], [64, 'npm run admin -- <command>'], words.join(' '));
    }),
  );
});

test('npm run admin with the e-mail of no account ends with 1', async () => {
  assert.deepEqual(await admin('grant', 'nobody@example.com'), [1, 'there is no such user\n']);
});
