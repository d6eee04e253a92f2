import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Child } from './child.ts';
import { checkPostgres, startPostgres } from './embedded-postgres.ts';
import { checkRedis, startRedis } from './embedded-redis.ts';

/** Postgres and Redis for the machine at hand. */
export interface Services {
  databaseUrl: string;
  redisUrl: string;
  /** Those that were started for this, in the order of their start. */
  children: Child[];
}

export interface ServicesOptions {
  /** Where the data of what is started stays. */
  home: string;
  /** Where a fetched redis-server stays. */
  binaries: string;
  /** Ones that run already. */
  databaseUrl?: string | undefined;
  redisUrl?: string | undefined;
  /** Told what takes a while. */
  say: (text: string) => void;
}

/** @throws Failure that says what could not be had, and which ways out there are */
export async function startServices({
  home,
  binaries,
  databaseUrl,
  redisUrl,
  say,
}: ServicesOptions): Promise<Services> {
  const { password } = readSecrets(home);
  const children: Child[] = [];
  await Promise.all([databaseUrl && checkPostgres(databaseUrl), redisUrl && checkRedis(redisUrl)]);
  const start = async (name: string, starting: Promise<{ url: string; child: Child }>) => {
    say(`${name}: starting`);
    const { url, child } = await starting;
    children.push(child);
    return url;
  };
  try {
    return {
      databaseUrl: databaseUrl ?? (await start('postgres', startPostgres(folder(home, 'postgres'), password))),
      redisUrl: redisUrl ?? (await start('redis', startRedis(folder(home, 'redis'), binaries, password))),
      children,
    };
  } catch (error) {
    await stopChildren(children);
    throw error;
  }
}

/** Stops them, the last one first. */
export async function stopChildren(children: Child[]): Promise<void> {
  for (const child of children.toReversed()) await child.stop();
}

interface Secrets {
  /** Of the Postgres and the Redis that are started here. */
  password: string;
  /** `API_SECRET`, where none is set. */
  apiSecret: string;
}

/** Secrets made for this machine alone, kept so that data and tokens outlive a restart. */
export function readSecrets(home: string): Secrets {
  const path = join(folder(home), 'secrets.json');
  if (!existsSync(path)) {
    const secrets = { password: randomBytes(18).toString('hex'), apiSecret: randomBytes(32).toString('hex') };
    writeFileSync(path, JSON.stringify(secrets), { mode: 0o600 });
  }
  chmodSync(path, 0o600);
  return JSON.parse(readFileSync(path, 'utf8')) as Secrets;
}

/** For this user alone: what stands in it, Redis's log of all jobs say, is as private as the database. */
function folder(...parts: string[]): string {
  const path = join(...parts);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  return path;
}
