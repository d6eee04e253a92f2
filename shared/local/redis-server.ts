import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { environment } from '../config.ts';
import { ServiceError } from './service-error.ts';

const runCommand = promisify(execFile);

/** The program redis-server is in the package redis-tools. The other packages are libraries that some systems lack. */
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
 * Finds the redis-server on the PATH. If there is none, downloads it from the system's package archive and unpacks it
 * into the folder, without installing it.
 * @throws ServiceError if the download fails or if the program does not run
 */
export async function findRedisServer(folder: string): Promise<RedisServer> {
  const installed = { command: 'redis-server', env: {} };
  if (await canRun(installed)) return installed;
  const target = join(folder, 'redis');
  const downloaded = {
    command: join(target, 'usr/bin/redis-server'),
    env: { LD_LIBRARY_PATH: join(target, 'usr/lib/x86_64-linux-gnu') },
  };
  if (await canRun(downloaded)) return downloaded;
  await downloadTo(target);
  if (await canRun(downloaded)) return downloaded;
  throw new ServiceError('redis', 'the downloaded redis-server does not run on this system');
}

async function canRun({ command, env }: RedisServer): Promise<boolean> {
  try {
    await runCommand(command, ['--version'], { env: environment(env) });
    return true;
  } catch {
    return false;
  }
}

/** Unpacks in another folder and renames it at the end, because another process may download at the same time. */
async function downloadTo(target: string): Promise<void> {
  process.stdout.write('redis: no redis-server on the PATH, downloading it from the package archive (1.5 MB) ...\n');
  mkdirSync(dirname(target), { recursive: true });
  const downloads = mkdtempSync(`${target}-`);
  const unpacked = join(downloads, 'unpacked');
  try {
    await downloadPackages(downloads);
    const archives = readdirSync(downloads).filter((name) => name.endsWith('.deb'));
    for (const archive of archives) await runCommand('dpkg', ['-x', join(downloads, archive), unpacked]);
    rmSync(target, { recursive: true, force: true });
    renameSync(unpacked, target);
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const reason = (stderr || message).trim();
    throw new ServiceError('redis', `there is no redis-server on the PATH, and the download failed: ${reason}`);
  } finally {
    rmSync(downloads, { recursive: true, force: true });
  }
}

/** Uses the package lists of the system. If they are missing or old, downloads lists to this folder, without root rights. */
async function downloadPackages(cwd: string): Promise<void> {
  const noSandbox = ['-o', 'APT::Sandbox::User=root'];
  try {
    await runCommand('apt-get', [...noSandbox, 'download', ...PACKAGES], { cwd });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') throw error;
    process.stdout.write('redis: downloading the package lists of the archive first ...\n');
    mkdirSync(join(cwd, 'lists/partial'), { recursive: true });
    const ownLists = ['-o', `Dir::State::lists=${cwd}/lists`, '-o', `Dir::Cache=${cwd}`];
    const options = [...noSandbox, ...ownLists, '-o', 'Acquire::Languages=none'];
    await runCommand('apt-get', [...options, 'update'], { cwd, maxBuffer: 2 ** 26 });
    await runCommand('apt-get', [...options, 'download', ...PACKAGES], { cwd });
  }
}
