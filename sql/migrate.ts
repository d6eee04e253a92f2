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
 * Brings the database up to these files: numbered files once, in order; functions whenever their text changes. All of it
 * is one transaction, so that no statement ever meets half of a release. Any number of processes may do it at once.
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
    return await applyChanged(database, readFiles(folder));
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

async function applyChanged(database: Database, files: SqlFile[], triesLeft = 5): Promise<string[]> {
  const rows = await database<{ name: string; checksum: string }[]>`select name, checksum from schema_files`;
  const known = new Map(rows.map(({ name, checksum }) => [name, checksum]));
  const changed = files.filter(({ name, checksum }) => known.get(name) !== checksum);
  const altered = changed.find(({ name }) => known.has(name) && !isFunction(name));
  if (altered) {
    throw new Error(`sql/${altered.name} was applied and has changed since: put the change into a new numbered file`);
  }
  if (changed.length === 0) return [];
  try {
    await database.unsafe(inOneTransaction(changed.map(applied).join('')));
    return changed.map(({ name }) => name);
  } catch (error) {
    const wonByAnother = (error as { constraint_name?: string }).constraint_name === 'schema_files_pkey';
    const isDeadlock = (error as { code?: string }).code === '40P01';
    if (wonByAnother || (isDeadlock && triesLeft > 0)) return applyChanged(database, files, triesLeft - 1);
    throw new Error(`${culprit(error, changed)}: ${(error as Error).message}`, { cause: error });
  }
}

/** A file's text, and the row that says so. */
function applied({ name, text, checksum }: SqlFile): string {
  const update = 'on conflict (name) do update set checksum = excluded.checksum, applied_at = now()';
  const row = `insert into schema_files (name, checksum) values ('${name}', '${checksum}')`;
  return `${row} ${isFunction(name) ? update : ''};\n${text};\n`;
}

function isFunction(name: string): boolean {
  return name.startsWith('functions/');
}

/** The file in which Postgres says that the error is; all of them where it does not say. */
function culprit(error: unknown, files: SqlFile[]): string {
  const position = Number((error as { position?: string }).position);
  let end = inOneTransaction('').length;
  const file = files.find((each) => {
    end += applied(each).length;
    return position <= end;
  });
  return file ? `sql/${file.name}` : `one of sql/${files.map(({ name }) => name).join(', ')}`;
}

/** Statements sent as one text are one transaction; the lock lets one process after the other through. */
function inOneTransaction(statements: string): string {
  return `select pg_advisory_xact_lock(hashtext('rooms-migrate')); ${statements}`;
}
