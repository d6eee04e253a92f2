import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { environment } from '../config.ts';
import { Failure } from './failure.ts';

const run = promisify(execFile);

/** The server itself is in redis-tools; the libraries are those that not every system has. */
const PACKAGES = [
  'redis-server',
  'redis-tools',
  'libjemalloc2',
  'liblzf1',
  'liblua5.1-0',
  'lua-bitop',
  'lua-cjson',
  'libatomic1',
];

export interface RedisServer {
  command: string;
  env: Record<string, string>;
}

/**
 * The redis-server on the PATH, or one unpacked (not installed) from the system's own package archive into the folder.
 * @throws Failure when neither is to be had
 */
export async function findRedisServer(folder: string): Promise<RedisServer> {
  const installed = { command: 'redis-server', env: {} };
  if (await works(installed)) return installed;
  const unpacked = join(folder, 'redis');
  const fetched = {
    command: join(unpacked, 'usr/bin/redis-server'),
    env: { LD_LIBRARY_PATH: join(unpacked, 'usr/lib/x86_64-linux-gnu') },
  };
  if (await works(fetched)) return fetched;
  await fetchPackages(unpacked);
  if (await works(fetched)) return fetched;
  throw new Failure('redis', 'the redis-server that was fetched does not run on this system');
}

async function works({ command, env }: RedisServer): Promise<boolean> {
  try {
    await run(command, ['--version'], { env: environment(env) });
    return true;
  } catch {
    return false;
  }
}

async function fetchPackages(target: string): Promise<void> {
  process.stdout.write('redis: no redis-server on the PATH, fetching it from the package archive (1.5 MB) ...\n');
  // Somebody else may fetch at the same time: only a whole server ever stands in the target.
  mkdirSync(dirname(target), { recursive: true });
  const downloads = mkdtempSync(`${target}-`);
  const whole = join(downloads, 'whole');
  mkdirSync(join(downloads, 'lists/partial'), { recursive: true });
  try {
    await download(downloads);
    const archives = readdirSync(downloads).filter((name) => name.endsWith('.deb'));
    for (const archive of archives) await run('dpkg', ['-x', join(downloads, archive), whole]);
    rmSync(target, { recursive: true, force: true });
    renameSync(whole, target);
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new Failure('redis', `there is none on the PATH and fetching it failed: ${(stderr || message).trim()}`);
  } finally {
    rmSync(downloads, { recursive: true, force: true });
  }
}

/** With the system's package lists, or where it has none or old ones, with fresh lists of our own (no rights needed). */
async function download(cwd: string): Promise<void> {
  const noSandbox = ['-o', 'APT::Sandbox::User=root'];
  try {
    await run('apt-get', [...noSandbox, 'download', ...PACKAGES], { cwd });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') throw error;
    process.stdout.write('redis: reading the package lists of the archive first ...\n');
    const own = ['-o', `Dir::State::lists=${cwd}/lists`, '-o', `Dir::Cache=${cwd}`, '-o', 'Acquire::Languages=none'];
    await run('apt-get', [...noSandbox, ...own, 'update'], { cwd, maxBuffer: 2 ** 26 });
    await run('apt-get', [...noSandbox, ...own, 'download', ...PACKAGES], { cwd });
  }
}
