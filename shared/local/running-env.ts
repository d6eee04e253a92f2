import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setDefault } from '../config.ts';
import { isOnlyForCompose } from './compose-hosts.ts';

// Loaded before a main file (`node --import`). The main file then uses the Postgres and Redis of a running `npm start`,
// which writes their URLs to running.env. If DATABASE_URL is set, that database is used instead, unless `npm start`
// ignores this DATABASE_URL.

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const runningEnv = join(process.env.ROOMS_HOME || join(root, '.rooms'), 'running.env');
setDefault('ENVIRONMENT', 'dev');
if (await isOnlyForCompose('DATABASE_URL', process.env)) delete process.env.DATABASE_URL;
if (!process.env.DATABASE_URL) {
  if (existsSync(runningEnv)) process.loadEnvFile(runningEnv);
  else process.stderr.write('Rooms is not running here. Run "npm start" first, or set DATABASE_URL.\n');
}
