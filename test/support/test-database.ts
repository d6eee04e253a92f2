import { randomBytes } from 'node:crypto';
import { connectDatabase, type Database } from '../../shared/database.ts';
import { migrate } from '../../sql/migrate.ts';

/** Connects to a database of the tests, and can write. */
export function connectAsTest(url: string, max: number): Database {
  return connectDatabase(url, { name: 'rooms-test', max, readOnly: false, timeout: 0 });
}

/** @returns the URL of another database on the same server */
export function siblingUrl(databaseUrl: string, name: string): string {
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/**
 * Prepares the Postgres of a test run: creates the database that the databases of the test files are copies of.
 * @param isOwn whether the run has started this Postgres
 * @returns the name of that database, and a function that drops it
 */
export async function prepareTestPostgres(
  databaseUrl: string,
  isOwn: boolean,
): Promise<{ template: string; drop: () => Promise<void> }> {
  const server = connectAsTest(databaseUrl, 1);
  if (isOwn) await stopFsync(server);
  const template = `rooms_test_template_${randomBytes(6).toString('hex')}`;
  await server`create database ${server(template)}`;
  await migrate(siblingUrl(databaseUrl, template));
  const drop = async () => {
    await server`drop database ${server(template)} with (force)`;
    await server.end();
  };
  return { template, drop };
}

/** The data lives only during the run. It survives the death of a process, not that of the machine. */
async function stopFsync(server: Database): Promise<void> {
  await server`alter system set fsync = off`;
  await server`select pg_reload_conf()`;
}
