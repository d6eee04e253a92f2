import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import { PAYLOAD_VERSION } from '../shared/contract/versions.ts';
import { createLog } from '../shared/log.ts';
import { inOneMinute, roomCommands } from '../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../test/support/system.ts';
import { applyAccountCommands, refuseAccountCommands } from './apply-account-commands.ts';
import { unknownTime } from './database-time.ts';

const { database } = await openTestDatabase();
const { createUser } = roomCommands(database);
const log = createLog('test', 'silent');

const context = { database, databaseTime: unknownTime, log };
const batchOf = (...commands: unknown[]) =>
  ({ v: PAYLOAD_VERSION, gateway: newId(), lane: 0, number: 0, commands }) as const;
const apply = (...commands: unknown[]) => applyAccountCommands(context, newId(), batchOf(...commands), false);
const command = (change: object) => ({ id: newId(), deadline: inOneMinute(), ...change });

test('a command that does not fit its schema gets the outcome `internal`, and the other commands are applied', async () => {
  const userId = await createUser();
  const first = command({ command: 'LogoutAll', userId });
  const last = command({ command: 'LogoutAll', userId });
  const unreadable = [command({ command: 'Shout', userId }), command({ command: 'LogoutAll' }), { userId }, 'text'];
  const { outcomes, revocations } = await apply(first, ...unreadable, last);
  const internal = { code: 'internal' };
  assert.deepEqual(outcomes, [{ id: first.id }, internal, internal, internal, internal, { id: last.id }]);
  assert.deepEqual(revocations, [
    { userId, revocation: { version: 1 } },
    { userId, revocation: { version: 2 } },
  ]);
});

test('if no command of a batch fits its schema, each command gets the outcome `internal`', async () => {
  assert.deepEqual((await apply({}, {})).outcomes, [{ code: 'internal' }, { code: 'internal' }]);
});

test('a batch that was refused is not applied later, and a batch that was applied is not refused later', async () => {
  const userId = await createUser();
  const refused = batchOf(command({ command: 'LogoutAll', userId }));
  const applied = batchOf(command({ command: 'LogoutAll', userId }));
  const [lane, otherLane] = [newId(), newId()];
  assert.deepEqual((await refuseAccountCommands(context, lane, refused)).outcomes, [{ code: 'internal' }]);
  assert.deepEqual((await applyAccountCommands(context, lane, refused, false)).outcomes, [{ code: 'internal' }]);
  const first = await applyAccountCommands(context, otherLane, applied, false);
  assert.deepEqual(await refuseAccountCommands(context, otherLane, applied), first);
  const [user] = await database`select token_version from users where id = ${userId}`;
  assert.equal(user?.tokenVersion, 1);
});
