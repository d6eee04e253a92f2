import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Database } from '../../shared/database.ts';

const main = join(import.meta.dirname, '../../workers/import/main.ts');

/** Starts `npm run import -- ...`, and does not wait for its end. */
export function startImport(databaseUrl: string, ...words: string[]): ChildProcess {
  return spawn(process.execPath, [main, ...words], { env: { ...process.env, DATABASE_URL: databaseUrl } });
}

/** Runs `npm run import -- ...`. @returns the exit code, what it printed, and its error lines */
export async function runImport(databaseUrl: string, ...words: string[]) {
  const child = startImport(databaseUrl, ...words);
  const streams = [child.stdout, child.stderr].map((stream) => text(stream as NodeJS.ReadableStream));
  const [[code], ...outputs] = await Promise.all([once(child, 'close'), ...streams]);
  const [output = '', errorOutput = ''] = outputs;
  return { code: code as number, output, errors: errorOutput.split('\n').filter((line) => line !== '') };
}

/** Returns all rows that an import can write, in a fixed order. */
export async function readImported(rooms: Database): Promise<unknown> {
  const [row] = await rooms`
    select
      (select json_agg(t order by id) from users t) as users,
      (select json_agg(t order by id) from rooms t) as rooms,
      (select json_agg(t order by room_id, user_id) from memberships t) as memberships,
      (select json_agg(t order by room_id, seq) from messages t) as messages,
      (select json_agg(json_build_array(email, role) order by email) from allowed_users t) as allowed_users`;
  return row;
}
