import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment, unset } from '../config.ts';
import { isOnlyForCompose } from './compose-hosts.ts';

// Loaded before a main file (`node --import`). The main file then uses the Postgres and Redis of a running `npm start`,
// which writes their URLs to running.env. If DATABASE_URL is set, that database is used instead, unless `npm start`
// ignores this DATABASE_URL.

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const { ROOMS_HOME, DATABASE_URL, ENVIRONMENT, API_SECRET } = environment({});
const runningEnv = join(ROOMS_HOME || join(root, '.rooms'), 'running.env');
const settings = { DATABASE_URL, ENVIRONMENT: ENVIRONMENT || 'dev' };
if (!DATABASE_URL || (await isOnlyForCompose('DATABASE_URL', settings))) {
  // A variable that exists keeps its value when a file is loaded, even an empty value.
  unset('DATABASE_URL');
  if (!ENVIRONMENT) unset('ENVIRONMENT');
  if (!API_SECRET) unset('API_SECRET');
  if (existsSync(runningEnv)) process.loadEnvFile(runningEnv);
  else process.stderr.write('Rooms is not running here. Run "npm start" first, or set DATABASE_URL.\n');
}
