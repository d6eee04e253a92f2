import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { after } from 'node:test';
import { binaries } from '../../bench/with-services.ts';
import type { Database } from '../../shared/database.ts';
import { Cluster, type ClusterOptions } from '../../shared/local/cluster.ts';
import type { Service } from '../../shared/local/embedded-postgres.ts';
import { startRedis } from '../../shared/local/embedded-redis.ts';
import { migrate } from '../../sql/migrate.ts';
import { Mailbox } from './mailbox.ts';
import { connectAsTest, siblingUrl } from './test-database.ts';

/** Returns the URLs of the services that `npm test` started, and its folder. @throws Error without `npm test` */
export function testServices(): { home: string; databaseUrl: string; redisUrl: string } {
  const { TEST_HOME, TEST_DATABASE_URL, TEST_REDIS_URL } = process.env;
  if (!TEST_HOME || !TEST_DATABASE_URL || !TEST_REDIS_URL)
    throw new Error('run the tests with: npm test [-- file ...]');
  return { home: TEST_HOME, databaseUrl: TEST_DATABASE_URL, redisUrl: TEST_REDIS_URL };
}

/**
 * Creates a database for this test file. It is dropped at the end of the file.
 * @param template the database that it is a copy of. Default: an empty database
 * @returns the URL of the database
 */
export async function createTestDatabase(template = 'template1'): Promise<string> {
  const { databaseUrl } = testServices();
  const name = `rooms_test_${randomBytes(6).toString('hex')}`;
  const server = connectAsTest(databaseUrl, 1);
  await server`create database ${server(name)} template ${server(template)}`;
  after(async () => {
    await server`drop database ${server(name)} with (force)`;
    await server.end();
  });
  return siblingUrl(databaseUrl, name);
}

/** Creates a database with {@link createTestDatabase}, migrates it and connects to it. */
export async function openTestDatabase(): Promise<{ url: string; database: Database }> {
  const url = await createTestDatabase(process.env.TEST_DATABASE_TEMPLATE);
  // A copy is up to date, except in the test of a mutant that changes SQL.
  await migrate(url);
  const database = connectAsTest(url, 4);
  after(() => database.end());
  return { url, database };
}

/** Starts a Redis that only this test file uses. It stops at the end of the file. */
export async function startTestRedis(): Promise<Service> {
  const redis = await startRedis(join(testServices().home, randomBytes(6).toString('hex')), binaries, 'password');
  after(() => redis.child.stop());
  return redis;
}

export interface System {
  cluster: Cluster;
  /** Receives the mails, if the system has a mail server. */
  mailbox: Mailbox;
  /** A connection of the test to the database of the system. */
  database: Database;
  databaseUrl: string;
}

/** Starts gateways and workers as processes, with a new database. They stop at the end of the test file. */
export async function startSystem(
  options: Pick<ClusterOptions, 'gateways' | 'workers' | 'env' | 'smtpPort' | 'proxyLinks'> & {
    redisUrl?: string;
    databaseUrl?: string;
    mail?: true;
  },
): Promise<System> {
  const { home, redisUrl } = testServices();
  const { url, database } = await openTestDatabase();
  const logs = join(home, 'logs', randomBytes(6).toString('hex'));
  const mailbox = new Mailbox();
  const smtpPort = options.mail && (await mailbox.open());
  const cluster = await Cluster.start({ databaseUrl: url, redisUrl, logs, smtpPort, ...options });
  after(() => cluster.stop());
  return { cluster, mailbox, database, databaseUrl: url };
}
