import type postgres from 'postgres';
import type { Database } from '../shared/database.ts';
import { LOAD_USER_EMAILS } from './load-users.ts';

/** A statement deletes at most this many rows, so it holds its locks for a short time. */
const MAX_ROWS = 10_000;

/**
 * Deletes all load users, their memberships, and their rooms with all messages. Messages that they wrote in other rooms
 * stay, so the seqs of those rooms have no gap. A call after an interrupted one continues it.
 * @throws Error if Postgres does not answer, or if a load test still makes rooms
 */
export async function removeLoadUsers(database: Database): Promise<string[]> {
  const ids = () => database`select id from users where lower(email) like ${LOAD_USER_EMAILS}`;
  const roomIds = () => database`select id from rooms where owner_id in (${ids()})`;
  // From here on nobody sees the rooms, so nobody sees a room with a part of its messages.
  await database`update rooms set deleted_at = now() where owner_id in (${ids()}) and deleted_at is null`;
  const deleteAll = async (table: string, condition: () => postgres.PendingQuery<postgres.Row[]>) => {
    for (let deleted = 0; ; ) {
      const { count } = await database`
        delete from ${database(table)}
        where ctid = any (array(select ctid from ${database(table)} where ${condition()} limit ${MAX_ROWS}))`;
      deleted += count;
      if (count === 0) return deleted;
    }
  };
  const memberships = () => database`user_id in (${ids()}) or room_id in (${roomIds()})`;
  await deleteAll('memberships', memberships);
  await deleteAll('ended_memberships', memberships);
  await deleteAll('mentions', memberships);
  await deleteAll('messages', () => database`room_id in (${roomIds()})`);
  const rooms = await deleteAll('rooms', () => database`owner_id in (${ids()})`);
  const users = await deleteAll('users', () => database`lower(email) like ${LOAD_USER_EMAILS}`);
  return [`removed ${users} load users and ${rooms} rooms`];
}
