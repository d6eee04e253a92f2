import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { User } from '../shared/contract/answers.ts';
import { errors } from '../shared/contract/errors.ts';
import { newId } from '../shared/contract/ids.ts';
import { bodyOf, countCodes, refused } from './support/answer-checks.ts';
import { type Account, Client, call, createAccount } from './support/client.ts';
import { runAdmin } from './support/npm-run-admin.ts';
import { startSystem } from './support/system.ts';

const { cluster, database, databaseUrl } = await startSystem({ gateways: 2, workers: 0 });
await cluster.startWorker(['persistence']);
const roleWorker = await cluster.startWorker(['role-changes']);
const [gatewayA, gatewayB] = cluster.urls as [string, string];

const npmRunAdmin = (...words: string[]) => runAdmin(databaseUrl, ...words);
const changeRole = (method: 'POST' | 'DELETE', target: { id: string }, role: string, caller: Account, url = gatewayA) =>
  call(url, `${method} /api/users/${target.id}/roles/${role}`, { token: caller.token });
const grantAdmin = (target: { id: string }, caller: Account, url = gatewayA) =>
  changeRole('POST', target, 'admin', caller, url);
const revokeAdmin = (target: { id: string }, caller: Account, url = gatewayA) =>
  changeRole('DELETE', target, 'admin', caller, url);

const [ann, bob] = [await createAccount(gatewayA, 'Ann'), await createAccount(gatewayA, 'Bob')];
const root = await createAccount(gatewayA, 'Root');
const rootEmail = root.email.toUpperCase();
assert.deepEqual(await npmRunAdmin('grant', rootEmail), [0, `${rootEmail} is an admin\n`]);

test('a granted or revoked role has effect from the next command of an open socket', async () => {
  const client = await Client.connect(gatewayB, ann.token);
  after(() => client.close());
  const announce = () => client.ask({ command: 'CreateMessage', roomId: 'announcements', text: 'news' });
  refused(await announce(), 'read_only_room');
  assert.deepEqual(bodyOf(User, await grantAdmin(ann, root)).roles, ['user', 'admin']);
  assert.equal((await announce()).command, 'Ack');
  assert.deepEqual(bodyOf(User, await grantAdmin(ann, root, gatewayB)).roles, ['user', 'admin']);
  assert.deepEqual(bodyOf(User, await revokeAdmin(ann, root)).roles, ['user']);
  refused(await announce(), 'read_only_room');
});

test('a user who is not an admin cannot change a role', async () => {
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

test('an admin cannot grant an unknown role, revoke the role user or change the role of an unknown user', async () => {
  refused(await changeRole('POST', ann, 'king', root), 'invalid_field');
  refused(await changeRole('DELETE', ann, 'user', root), 'everyones_role');
  refused(await grantAdmin({ id: newId() }, root), 'no_such_user');
  refused(await grantAdmin({ id: 'nobody' }, root), 'no_such_user');
});

test('10 grants at the same time are all stored', async () => {
  const users = await Promise.all(Array.from({ length: 10 }, () => createAccount(gatewayA, 'Many')));
  const grants = users.map((user, index) => grantAdmin(user, root, index % 2 ? gatewayA : gatewayB));
  assert.deepEqual(countCodes(await Promise.all(grants)), { 200: 10 });
  await Promise.all(users.map((each) => revokeAdmin(each, root)));
});

test('a grant and a change of the same user at the same time are both stored', async () => {
  const record = { firstName: 'Anna', lastName: 'Testing', email: ann.email, phone: '123456789' };
  await Promise.all([
    call(gatewayB, 'PUT /api/users/update', { token: ann.token, body: record }),
    grantAdmin(ann, root),
  ]);
  const user = bodyOf(User, await call(gatewayA, 'GET /api/users/current', { token: ann.token }));
  assert.deepEqual([user.firstName, user.roles], ['Anna', ['user', 'admin']]);
  await revokeAdmin(ann, root);
});

test('the last admin cannot lose this role over HTTP or with npm run admin', async () => {
  refused(await revokeAdmin(root, root), 'last_admin');
  assert.deepEqual(await npmRunAdmin('revoke', root.email), [1, `${errors.last_admin.text}\n`]);
  await grantAdmin(ann, root);
  const answers = await Promise.all([revokeAdmin(root, root, gatewayA), revokeAdmin(ann, ann, gatewayB)]);
  assert.deepEqual(countCodes(answers), { 200: 1, last_admin: 1 });
  assert.equal((await npmRunAdmin('grant', root.email))[0], 0);
  await revokeAdmin(ann, root);
  assert.deepEqual(await npmRunAdmin('admins'), [0, `${root.email}\n`]);
});

test('when the last two admins are revoked at the same time, one of them stays an admin', async () => {
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

test('a role change that waits for its worker does not delay a room command', async () => {
  await roleWorker.stop();
  const granted = grantAdmin(ann, root);
  const client = await Client.connect(gatewayA, ann.token);
  after(() => client.close());
  await client.commit({ command: 'CreateRoom', text: 'a room' });
  await cluster.startWorker(['role-changes']);
  assert.deepEqual(bodyOf(User, await granted).roles, ['user', 'admin']);
  await revokeAdmin(ann, root);
});

test('a worker of an unknown kind exits and logs the known kinds', async () => {
  const worker = await cluster.startWorker(['persistence', 'nonsense' as 'persistence']);
  assert.equal(await worker.ended, 'exit code 64');
  assert.match(cluster.logOf(worker), /nonsense.*persistence, otp-email, role-changes/);
});

test('an otp-email worker without SMTP_HOST exits and logs the name of the variable', async () => {
  const worker = await cluster.startWorker(['otp-email']);
  assert.equal(await worker.ended, 'exit code 78');
  assert.match(cluster.logOf(worker), /config: SMTP_HOST must be set/);
});

test('npm run admin with wrong arguments prints its commands and exits with 64', async () => {
  const calls = [
    [],
    ['grant'],
    ['grant', 'nobody'],
    ['crown', 'a@example.com'],
    ['allow', 'a@example.com', 'king'],
    ['admins', 'a@example.com'],
    ['toString', 'a@example.com'],
    ['load-users'],
    ['load-users', '10', '--members=3'],
    ['load-users', '10', '--people=5'],
  ];
  await Promise.all(
    calls.map(async (words) => {
      const [code, output] = await npmRunAdmin(...words);
      assert.deepEqual([code, output.split('\n')[0]], [64, 'npm run admin -- <command>'], words.join(' '));
    }),
  );
});

test('npm run admin exits with 1 if no account has the e-mail', async () => {
  assert.deepEqual(await npmRunAdmin('grant', 'nobody@example.com'), [1, `${errors.no_such_user.text}\n`]);
});
