import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountChangeNames } from '../shared/contract/account-commands.ts';
import { commandNames } from '../shared/contract/commands.ts';
import { newId } from '../shared/contract/ids.ts';
import { inOneMinute, roomCommand, roomCommands } from '../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../test/support/system.ts';

// Some SQL functions choose a function by the name of a command. They must know exactly the names of shared/contract.

const { database } = await openTestDatabase();
const { applyBatch } = roomCommands(database);

/** The names of commands in the body of an SQL function. There, only these literals begin with a capital letter. */
async function namesIn(name: string): Promise<string[]> {
  const [row] = await database`select prosrc from pg_proc where proname = ${name}`;
  return [...String(row?.prosrc).matchAll(/'([A-Z]\w+)'/g)].map(([, command]) => command as string);
}

const failsToApply = async (name: string) => {
  const [row] = await applyBatch(newId(), 0, [{ ...roomCommand('CreateMessage', newId(), newId()), command: name }], {
    oneByOne: true,
  });
  return row?.code === 'internal';
};

const failsToChange = async (name: string) => {
  const id = newId();
  const change = {
    id,
    command: name,
    deadline: inOneMinute(),
    userId: newId(),
    tokenId: id,
    expires: inOneMinute(),
    epoch: id,
  };
  const person = { firstName: 'Ann', lastName: 'Testing', email: `${id}@example.com`, passwordHash: 'hash' };
  const [row] = await database`
    select apply_account_command(${database.json({ ...change, ...person })}, null, false) ->> 'code' as code`;
  return row?.code === 'internal';
};

test('apply_group and apply_command know every room command of the contract, and no other', async () => {
  const names = [...(await namesIn('apply_group')), ...(await namesIn('apply_command'))];
  assert.deepEqual(names.sort(), commandNames.toSorted());
  for (const name of commandNames) assert.equal(await failsToApply(name), false, name);
  assert.equal(await failsToApply('Shout'), true);
});

test('apply_account_command knows every account command of the contract, and no other', async () => {
  const names = await namesIn('apply_account_command');
  assert.deepEqual(names.sort(), accountChangeNames.toSorted());
  for (const name of accountChangeNames) assert.equal(await failsToChange(name), false, name);
  assert.equal(await failsToChange('Shout'), true);
});
