import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../../shared/contract/ids.ts';
import { connectDatabase } from '../../shared/database.ts';
import { openTestDatabase } from '../../test/support/system.ts';
import { connectAsTest } from '../../test/support/test-database.ts';
import { BEFORE_ALL_ROOMS } from './attachment-reads.ts';
import { createReads } from './reads.ts';

const OTHER_ROOMS = 3_000;
const OTHER_USERS = 3_000;
const OTHER_MESSAGES = 3_000;
/** Far below the rows of the table, and far above the three rooms of the user. */
const MAX_ROWS = 200;

const { database, url } = await openTestDatabase();
// One connection as a gateway has it, so that all reads use the plans that it makes first.
const session = connectDatabase(url, { name: 'rooms-gateway', max: 1, readOnly: true, timeout: 0 });
after(() => session.end());
const reads = createReads(session);

const ann = newId();
const bearer = { userId: ann, tokenId: newId(), version: 0 };
const ofAnn: Record<string, () => Promise<unknown>> = {
  attachment: () => reads.attachment({ bearer, roomsAfter: BEFORE_ALL_ROOMS }),
  membershipsIn: () => reads.membershipsIn(ann, ['general', 'announcements']),
  session: () => reads.session(bearer),
  recentNotices: () => reads.recentNotices(),
  changedHeads: () => reads.changedHeads([{ roomId: 'general', seq: 1 }]),
  history: () => reads.history({ bearer, roomId: 'general', range: { size: 20 } }),
  events: () => reads.events({ bearer, roomId: 'announcements', after: 0, size: 100 }),
  room: () => reads.room('announcements', ann),
  rooms: () => reads.rooms(ann, 1, 20),
  roomsOfUser: () => reads.roomsOfUser(ann, ann),
  people: () => reads.people([ann], ann),
  replayPage: () => reads.replayPage({ roomId: 'announcements', after: 0 }),
  endedPage: () => reads.endedPage({ roomId: 'announcements', after: 0, end: 50 }),
  endedMemberships: () => reads.endedMemberships(ann, [{ roomId: 'announcements', seq: 0 }]),
};

// As a worker has it. Its function makes its plans here too.
const writer = connectAsTest(url, 1);
after(() => writer.end());
const markRead = () => writer`
  select pg_stat_force_next_flush() from mark_read(${`{${ann}}`}, '{announcements}', '{1}')`;

test('the reads of one user read few rows, even with plans from the time of an empty database', async () => {
  await addUsers(1);
  const all = { ...ofAnn, markRead };
  for (const read of Object.values(all)) await read();
  await addUsers(OTHER_USERS);
  await addRooms();
  await addEvents();
  const rows: Record<string, number> = {};
  for (const [name, read] of Object.entries(all)) {
    const before = await countRowsRead();
    await read();
    rows[name] = (await countRowsRead()) - before;
  }
  assert.deepEqual(
    Object.entries(rows).filter(([, count]) => count > MAX_ROWS),
    [],
    JSON.stringify(rows),
  );
});

/** The first user is Ann. Every user is in the two rooms that always exist. */
async function addUsers(count: number): Promise<void> {
  await database`
    with added as (
      insert into users (id, first_name, last_name, email, password_hash)
      select case when ${count} = 1 then ${ann}::uuid else gen_random_uuid() end, 'Ann', 'Plan', ${count} || '.' || n || '@example.com', ''
      from generate_series(1, ${count}) n returning id
    )
    insert into memberships (room_id, user_id) select rooms.id, added.id from rooms, added where owner_id is null`;
}

/** Ann is in the first room, another user is in each. */
async function addRooms(): Promise<void> {
  await database`
    with owner as (select id from users where id <> ${ann} limit 1), added as (
      insert into rooms (id, name, owner_id, room_type)
      select gen_random_uuid(), 'a room', owner.id, 'Private' from owner, generate_series(1, ${OTHER_ROOMS}) returning id, owner_id
    )
    insert into memberships (room_id, user_id)
    select id, owner_id from added union all (select id, ${ann} from added limit 1)`;
}

/** All messages of announcements were edited, and another user has left it very often. */
async function addEvents(): Promise<void> {
  await database`
    insert into messages (
      room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, history_index, last_change
    )
    select
      ${'announcements'}, n, md5(n::text)::uuid, ${ann}, case when n > ${OTHER_MESSAGES} then 'UpdateMessage' else 'CreateMessage' end,
      md5((n % ${OTHER_MESSAGES})::text)::uuid, '', now(), now(), gen_random_uuid(), 0, n, 'UpdateMessage'
    from generate_series(1, ${2 * OTHER_MESSAGES}) n`;
  await database`
    insert into ended_memberships (user_id, room_id, first_seq, last_seq)
    select id, ${'announcements'}, n, n + 1 from (select id from users where id <> ${ann} limit 1) one, generate_series(1, ${OTHER_ROOMS}) n`;
}

/** Returns how many rows of the tables were read. First reports the rows that the session has read. */
async function countRowsRead(): Promise<number> {
  await session`select pg_stat_force_next_flush()`;
  const [row] = await session<{ count: number }[]>`
    with counted (name) as (values ('rooms'), ('memberships'), ('messages'), ('ended_memberships'))
    select (
      (select sum(idx_tup_read) from pg_stat_user_indexes where relname in (select name from counted))
      + (select sum(seq_tup_read) from pg_stat_user_tables where relname in (select name from counted))
    )::int as count`;
  return row?.count as number;
}
