import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { AccountChange, AccountCommand } from '../shared/contract/account-commands.ts';
import { newId } from '../shared/contract/ids.ts';
import { connectDatabase } from '../shared/database.ts';
import { openTestDatabase } from '../test/support/system.ts';
import { until } from '../test/support/until.ts';

const { database, url } = await openTestDatabase();
/** A connection of its own: the session holds locks. */
const session = connectDatabase(url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
after(() => session.end());

interface Row {
  commandId: string;
  code: string | null;
  tokenVersion: number | null;
}

const command = (change: AccountChange, id = newId()): AccountCommand => ({
  ...change,
  id,
  deadline: new Date(Date.now() + 60_000).toISOString(),
});
const person = (email: string) => ({ firstName: 'Ann', lastName: 'Testing', email, proven: false });
const register = (email: string, id = newId()) =>
  command({ command: 'Register', ...person(email), passwordHash: '' }, id);

async function apply(laneKey: string, number: number, ...commands: AccountCommand[]): Promise<Row[]> {
  const batch = database.json(JSON.parse(JSON.stringify(commands)));
  return database<Row[]>`
    select * from jsonb_to_recordset(apply_account_commands(${laneKey}, ${number}, ${batch}, null, false))
      as (command_id uuid, code text, token_version bigint)`;
}

const codes = (rows: Row[]) => rows.map(({ code }) => code);
const versionOf = async (id: string) => {
  const [row] = await database`select token_version from users where id = ${id}`;
  return row?.tokenVersion;
};

test('a copy of a batch changes nothing and gets the outcomes of the first copy', async () => {
  const [lane, ann] = [newId(), newId()];
  const batch = [
    register('ann@example.com', ann),
    register('ANN@example.com'),
    command({ command: 'LogoutAll', userId: ann }),
  ];
  const first = await apply(lane, 0, ...batch);
  assert.deepEqual(codes(first), [null, 'email_taken', null]);
  assert.deepEqual([...(await apply(lane, 0, ...batch))], [...first]);
  assert.equal(await versionOf(ann), 1);
});

test('the epoch changes once, although two gateways and a repeated command ask for it', async () => {
  const readEpoch = async () => (await database<{ id: string }[]>`select id from epoch`)[0]?.id as string;
  const epoch = await readEpoch();
  const change = () => command({ command: 'ChangeEpoch', epoch });
  const [first, second] = await Promise.all([apply(newId(), 0, change(), change()), apply(newId(), 0, change())]);
  assert.deepEqual([codes(first), codes(second)], [[null, null], [null]]);
  const changed = await readEpoch();
  assert.notEqual(changed, epoch);
  assert.deepEqual(codes(await apply(newId(), 0, change())), [null]);
  assert.equal(await readEpoch(), changed);
});

test('a batch locks its users in the order of their ids, like a batch of room commands', async () => {
  const [first, second] = [newId(), newId()].toSorted();
  await apply(newId(), 0, register('first@example.com', first), register('second@example.com', second));
  await session`begin`;
  await session`select from users where id = ${first as string} for no key update`;
  const logoutOf = (userId: string | undefined) => command({ command: 'LogoutAll', userId: userId as string });
  const applied = apply(newId(), 0, logoutOf(second), logoutOf(first));
  await until(async () => {
    const waiting = await session`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return waiting.length === 1;
  });
  // The batch waits for the first user. It must not hold the lock of the second user, which is the first in the batch.
  await session`select from users where id = ${second as string} for no key update nowait`;
  await session`commit`;
  assert.deepEqual(codes(await applied), [null, null]);
});

test('commands of a locked user are refused as busy, the other commands of the batch are applied', async () => {
  const [ann, bob, cyd] = [newId(), newId(), newId()];
  const emails = ['ann', 'bob', 'cyd'].map((name) => `locked.${name}@example.com`) as [string, string, string];
  await apply(newId(), 0, register(emails[0], ann), register(emails[1], bob), register(emails[2], cyd));
  const logoutOf = (userId: string) => command({ command: 'LogoutAll', userId });
  const promote = command({ command: 'ChangeRole', userId: cyd, targetId: bob, role: 'admin', granted: true });
  const laneKey = newId();
  const batch = [logoutOf(ann), logoutOf(bob), promote, logoutOf(newId()), logoutOf(cyd)];
  await session`begin`;
  await session`select from users where id = ${bob} for update`;
  const expected = [null, 'busy', 'busy', null, null];
  assert.deepEqual(codes(await apply(laneKey, 0, ...batch)), expected);
  await session`commit`;
  assert.deepEqual(codes(await apply(laneKey, 0, ...batch)), expected, 'a copy of the batch');
  assert.deepEqual([await versionOf(ann), await versionOf(bob), await versionOf(cyd)], [1, 0, 1]);
});

test('if another session changes roles for a long time, a change of a role is refused as busy', async () => {
  const [ann, root] = [newId(), newId()];
  await apply(newId(), 0, register('roles.ann@example.com', ann), register('roles.root@example.com', root));
  const promote = command({ command: 'ChangeRole', userId: root, targetId: ann, role: 'admin', granted: true });
  await session`begin`;
  await session`select pg_advisory_xact_lock(hashtext('rooms-roles'))`;
  const batch = [promote, command({ command: 'LogoutAll', userId: ann })];
  assert.deepEqual(codes(await apply(newId(), 0, ...batch)), ['busy', null]);
  await session`commit`;
});

test('four copies of a batch at the same time change the user only once', async () => {
  const [lane, ann] = [newId(), newId()];
  await apply(lane, 0, register('many@example.com', ann));
  const batch = [command({ command: 'LogoutAll', userId: ann })];
  const all = await Promise.all(Array.from({ length: 4 }, () => apply(lane, 1, ...batch)));
  assert.deepEqual([...new Set(all.flat().map(({ tokenVersion }) => tokenVersion))], [1]);
  assert.equal(await versionOf(ann), 1);
});

test('a copy that arrives after the next batch changes nothing', async () => {
  const [lane, ann, root] = [newId(), newId(), newId()];
  await apply(lane, 0, register('late@example.com', ann), register('root@example.com', root));
  await database`update users set roles = '{user,admin}' where id = ${root}`;
  const change = (granted: boolean) =>
    command({ command: 'ChangeRole', userId: root, targetId: ann, role: 'admin', granted });
  const grant = change(true);
  assert.deepEqual(codes(await apply(lane, 1, grant)), [null]);
  assert.deepEqual(codes(await apply(lane, 2, change(false))), [null]);
  assert.deepEqual(codes(await apply(lane, 1, grant)), ['expired']);
  const [row] = await database`select to_json(roles) as roles from users where id = ${ann}`;
  assert.deepEqual(row?.roles, ['user']);
});

test('an expired command and commands that fail do not stop the other commands', async () => {
  const late = { ...register('later@example.com'), deadline: new Date(Date.now() - 1).toISOString() };
  const broken = { ...register('broken@example.com'), deadline: 'never' };
  const unknown = { ...register('unknown@example.com'), command: 'Shout' } as unknown as AccountCommand;
  const rows = await apply(newId(), 0, late, broken, unknown, register('well@example.com'));
  assert.deepEqual(codes(rows), ['expired', 'internal', 'internal', null]);
});

test('a new password hash is stored only if the stored hash is the expected one', async () => {
  const [lane, ann] = [newId(), newId()];
  await apply(lane, 0, register('hash@example.com', ann));
  const renew = (formerHash: string, passwordHash: string) =>
    command({ command: 'RehashPassword', userId: ann, formerHash, passwordHash });
  await apply(lane, 1, renew('', 'newer'), renew('', 'late'));
  const [row] = await database`select password_hash from users where id = ${ann}`;
  assert.equal(row?.passwordHash, 'newer');
});
