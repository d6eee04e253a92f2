import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Loaded before a main file (`node --import`) that works on what `npm start` runs, unless `DATABASE_URL` says where. */
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const running = join(process.env.ROOMS_HOME || join(root, '.rooms'), 'running.env');
if (!process.env.DATABASE_URL) {
  if (existsSync(running)) process.loadEnvFile(running);
  else process.stderr.write('Rooms does not run here: npm start, or set DATABASE_URL\n');
}
