import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connectDatabase, type Database } from '../shared/database.ts';

/** Lets only one process migrate at a time: the lock lasts until the end of the transaction. */
const LOCK = `select pg_advisory_xact_lock(hashtext('rooms-migrate'))`;

interface SqlFile {
  name: string;
  text: string;
  checksum: string;
}

/**
 * Brings the database up to date with the SQL files. Numbered files are applied once, in the order of their numbers. A
 * function is replaced when the text of its file changes. All files are applied in one transaction, so no other process
 * sees a part of the changes. Several processes may call this at the same time.
 * @returns the names of the files that were applied
 * @throws Error with the name of the file, if a file fails, or if a numbered file has changed after it was applied
 */
export async function migrate(url: string, folder = fileURLToPath(new URL('.', import.meta.url))): Promise<string[]> {
  const database = connectDatabase(url, { name: 'rooms-migrate', max: 1, readOnly: false, timeout: 0 });
  try {
    await database.unsafe(`${LOCK};
      create table if not exists schema_files (
        name text primary key, checksum text not null, applied_at timestamptz not null default now()
      )`);
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

async function applyChanged(database: Database, files: SqlFile[], attemptsLeft = 5): Promise<string[]> {
  const rows = await database<{ name: string; checksum: string }[]>`select name, checksum from schema_files`;
  const known = new Map(rows.map(({ name, checksum }) => [name, checksum]));
  const changed = files.filter(({ name, checksum }) => known.get(name) !== checksum);
  const altered = changed.find(({ name }) => known.has(name) && !isFunction(name));
  if (altered) {
    throw new Error(`sql/${altered.name} has changed after it was applied: put the change into a new numbered file`);
  }
  if (changed.length === 0) return [];
  const parts = transaction(changed, files);
  try {
    await database.unsafe(parts.map(({ text }) => text).join(''));
    return changed.map(({ name }) => name);
  } catch (error) {
    const wonByAnother = (error as { constraint_name?: string }).constraint_name === 'schema_files_pkey';
    const isDeadlock = (error as { code?: string }).code === '40P01';
    if (wonByAnother || (isDeadlock && attemptsLeft > 0)) return applyChanged(database, files, attemptsLeft - 1);
    const culprit = failedPart(error, parts)?.file ?? `one of sql/${changed.map(({ name }) => name).join(', ')}`;
    throw new Error(`${culprit}: ${(error as Error).message}`, { cause: error });
  }
}

/** A part of the SQL text that is sent to Postgres, and the name of its file. */
interface Part {
  text: string;
  file?: string;
}

/**
 * The parts of one transaction. Postgres runs a text of several statements as one transaction.
 * A function may call functions of later files, so the first pass does not check the bodies of functions. The second
 * pass creates all functions again, with checks: a change of a table can break a function whose text did not change.
 */
function transaction(changed: SqlFile[], files: SqlFile[]): Part[] {
  const part = (file: SqlFile, text: string) => ({ text: `${text};\n`, file: `sql/${file.name}` });
  return [
    { text: `${LOCK}; set local check_function_bodies = off;\n` },
    ...changed.flatMap((file) => [part(file, record(file)), part(file, file.text)]),
    { text: 'set local check_function_bodies = on;\n' },
    ...files.filter(({ name }) => isFunction(name)).map((file) => part(file, file.text)),
  ];
}

/** The statement that records a file as applied. */
function record({ name, checksum }: SqlFile): string {
  const update = 'on conflict (name) do update set checksum = excluded.checksum, applied_at = now()';
  const row = `insert into schema_files (name, checksum) values ('${name}', '${checksum}')`;
  return isFunction(name) ? `${row} ${update}` : row;
}

function isFunction(name: string): boolean {
  return name.startsWith('functions/');
}

/** Finds the part that failed, by a function body or a position in the error. Undefined if the error has neither. */
function failedPart(error: unknown, parts: Part[]): Part | undefined {
  const { internal_query: body, position } = error as { internal_query?: string; position?: string };
  if (body) return parts.find(({ text }) => text.includes(body));
  let end = 0;
  return parts.find(({ text }) => {
    // The position counts characters. The length of a string counts UTF-16 units, so it could be larger.
    end += [...text].length;
    return Number(position) <= end;
  });
}
