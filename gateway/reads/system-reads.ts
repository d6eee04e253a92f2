import type { Database } from '../../shared/database.ts';

/** What a gateway needs to know about the database itself. */
export function systemReads(database: Database) {
  return {
    /** Names this database. After a restore or a move it has another name. */
    async epoch(): Promise<string> {
      const [row] = await database<{ id: string }[]>`select id from epoch`;
      if (!row) throw new Error('the database has no epoch: run the migration');
      return row.id;
    },

    /** @throws Refusal `unavailable` if Postgres does not answer */
    async ping(): Promise<void> {
      await database`select 1`;
    },
  };
}
