import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId, standingRoomIds } from '../shared/contract/ids.ts';
import { connectDatabase } from '../shared/database.ts';
import { createTestDatabase } from '../test/support/system.ts';
import { migrate } from './migrate.ts';

const url = await createTestDatabase();
await migrate(url);
const database = connectDatabase(url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
after(() => database.end());

test('the driver and the function stored_id store the same UUID for an id, and the driver returns the id', async () => {
  const uuids = new Set<string>();
  for (const id of [...standingRoomIds, newId()]) {
    const [row] = await database<{ ofDriver: string; ofFunction: string; id: string }[]>`
      select ${id}::uuid::text as of_driver, stored_id(${id}::text)::text as of_function, ${id}::uuid as id`;
    assert.equal(row?.ofDriver, row?.ofFunction);
    assert.equal(row?.id, id);
    uuids.add(row?.ofDriver as string);
  }
  assert.equal(uuids.size, 3);
});

test('a new database has exactly the two rooms that always exist', async () => {
  const rows = await database<{ id: string; name: string; roomType: string }[]>`
    select id, name, room_type from rooms order by id`;
  assert.deepEqual(
    rows.map(({ id, name, roomType }) => [id, name, roomType]),
    [
      ['general', 'General', 'Public'],
      ['announcements', 'Announcements', 'ReadOnly'],
    ],
  );
});

test('a text that is no id is refused by Postgres', async () => {
  await assert.rejects(database`select stored_id('nonsense')`, { code: '22P02' });
});
