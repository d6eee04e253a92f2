import { limits } from '../../shared/contract/limits.ts';
import type { Database } from '../../shared/database.ts';
import { arrayOf } from './array-of.ts';
import { personColumns, type StoredPerson } from './record-columns.ts';

/** The reads of users, without their rooms. A viewer gets only the e-mail addresses that this viewer may see. */
export function userReads(database: Database) {
  return {
    /** Returns the users with these ids, in no order. */
    async people(ids: string[], viewerId: string): Promise<StoredPerson[]> {
      const rows = await database<(StoredPerson | { id: null })[]>`
        select ${personColumns(database, viewerId)}
        from (select) one left join users on id = any (${arrayOf(ids)}::uuid[])`;
      // When a connection is lost, the driver sometimes returns no rows.
      if (rows.length === 0) throw new Error('postgres did not answer');
      return rows.filter((row): row is StoredPerson => row.id !== null);
    },

    /** Returns all users, with the oldest accounts first. @param page the first page is 1 */
    users(viewerId: string, page: number, size: number): Promise<StoredPerson[]> {
      return database<StoredPerson[]>`
        select ${personColumns(database, viewerId)} from users
        where id in (select id from users order by id limit ${size} offset ${(page - 1) * size})
        order by id`;
    },

    /** Returns the users whose e-mail address begins with this text. Upper and lower case are equal. */
    usersByEmail(viewerId: string, beginning: string): Promise<StoredPerson[]> {
      // The index users_email_search uses these operators. All e-mail addresses with the same beginning stand together
      // in this index, so one range contains all of them.
      return database<StoredPerson[]>`
        select ${personColumns(database, viewerId, beginning)} from users
        where lower(email) ~>=~ lower(${beginning}) and lower(email) ~<~ lower(${`${beginning}\u{10ffff}`})
        order by lower(email) using ~<~ limit ${limits.MAX_SEARCH_RESULTS}`;
    },
  };
}
