import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Secrets {
  /** The password of the Postgres and the Redis that are started on this machine. */
  servicePassword: string;
  /** The `API_SECRET` that is used if none is set. */
  apiSecret: string;
}

/** Reads the secrets of this folder. The first call creates them, so data and tokens are still valid after a restart. */
export function readSecrets(home: string): Secrets {
  const path = join(makePrivateFolder(home), 'secrets.json');
  if (!existsSync(path)) writeFileSync(path, JSON.stringify(createSecrets()), { mode: 0o600 });
  chmodSync(path, 0o600);
  return JSON.parse(readFileSync(path, 'utf8')) as Secrets;
}

/** Creates a folder that only this user may enter: its files, such as the jobs in the log of Redis, are private. */
export function makePrivateFolder(...parts: string[]): string {
  const path = join(...parts);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  return path;
}

function createSecrets(): Secrets {
  return { servicePassword: randomBytes(18).toString('hex'), apiSecret: randomBytes(32).toString('hex') };
}
