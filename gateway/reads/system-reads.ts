import type { Database } from '../../shared/database.ts';

/** The reads about the database itself. */
export function systemReads(database: Database) {
  return {
    /**
     * Returns the id of the database. The operator changes it after a restore from a backup.
     * @throws Refusal `unavailable` if Postgres does not answer
     */
    async epoch(): Promise<string> {
      const [row] = await database<{ id: string }[]>`select id from epoch`;
      if (!row) throw new Error('the database has no epoch: run the migration');
      return row.id;
    },
  };
}
