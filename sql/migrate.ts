import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connectDatabase, type Database } from '../shared/database.ts';

interface SqlFile {
  name: string;
  text: string;
  checksum: string;
}

/**
 * Brings the database up to these files: numbered files once, in order; functions whenever their text changes.
 * Any number of processes may do it at once.
 * @returns the names of the files that were applied
 * @throws Error when a numbered file that was applied has changed since
 */
export async function migrate(url: string, folder = fileURLToPath(new URL('.', import.meta.url))): Promise<string[]> {
  const database = connectDatabase(url, { name: 'rooms-migrate', max: 1, readOnly: false, timeout: 0 });
  try {
    await database.unsafe(
      inOneTransaction(`
      create table if not exists schema_files (
        name text primary key, checksum text not null, applied_at timestamptz not null default now()
      )`),
    );
    const applied: string[] = [];
    for (const file of readFiles(folder)) if (await apply(database, file)) applied.push(file.name);
    return applied;
  } finally {
    await database.end();
  }
}

function readFiles(folder: string): SqlFile[] {
  const numbered = readdirSync(folder)
    .filter((name) => /^\d{3}-.*\.sql$/.test(name))
    .sort();
  const functions = readdirSync(`${folder}/functions`)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  return [...numbered, ...functions.map((name) => `functions/${name}`)].map((name) => {
    const text = readFileSync(`${folder}/${name}`, 'utf8');
    return { name, text, checksum: createHash('sha256').update(text).digest('hex') };
  });
}

/** @returns whether the file had to be applied. Its row is written in the transaction that applies it. */
async function apply(database: Database, { name, text, checksum }: SqlFile): Promise<boolean> {
  const [known] = await database`select checksum from schema_files where name = ${name}`;
  if (known?.checksum === checksum) return false;
  const row = `insert into schema_files (name, checksum) values ('${name}', '${checksum}')`;
  if (name.startsWith('functions/')) {
    const update = 'on conflict (name) do update set checksum = excluded.checksum, applied_at = now()';
    await database.unsafe(inOneTransaction(`${row} ${update}; ${text}`));
    return true;
  }
  if (known) throw new Error(`sql/${name} was applied and has changed since: put the change into a new numbered file`);
  try {
    await database.unsafe(inOneTransaction(`${row}; ${text}`));
    return true;
  } catch (error) {
    const wonByAnother = (error as { constraint_name?: string }).constraint_name === 'schema_files_pkey';
    if (!wonByAnother) throw new Error(`sql/${name}: ${(error as Error).message}`, { cause: error });
    return apply(database, { name, text, checksum });
  }
}

/** Statements sent as one text are one transaction; the lock lets one process after the other through. */
function inOneTransaction(statements: string): string {
  return `select pg_advisory_xact_lock(hashtext('rooms-migrate')); ${statements}`;
}
