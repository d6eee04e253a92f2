import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connectDatabase, type Database } from '../shared/database.ts';

/** One process migrates at a time. Postgres runs a text that begins with this as one transaction. */
const LOCK = `select pg_advisory_xact_lock(hashtext('rooms-migrate'))`;

interface SqlFile {
  name: string;
  text: string;
  checksum: string;
}

/**
 * Brings the database up to date with these files. A numbered file runs once, in order. A function is replaced when its
 * text changes. All files run in one transaction, so no statement sees half of a release. Several processes may migrate
 * at the same time.
 * @returns the names of the files that were applied
 * @throws Error if a numbered file that was applied has changed since, or if a file fails; it names the file
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
    throw new Error(`sql/${altered.name} was applied and has changed since: put the change into a new numbered file`);
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

/** A part of the text that is sent to Postgres, and the file that it comes from. */
interface Part {
  text: string;
  file?: string;
}

/**
 * A function may call functions of later files, so the first pass does not check their bodies. The second pass creates
 * all functions again, with checks: a change of a table can break a function whose own text is the same.
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

/** The statement that notes a file as applied. */
function record({ name, checksum }: SqlFile): string {
  const update = 'on conflict (name) do update set checksum = excluded.checksum, applied_at = now()';
  const row = `insert into schema_files (name, checksum) values ('${name}', '${checksum}')`;
  return isFunction(name) ? `${row} ${update}` : row;
}

function isFunction(name: string): boolean {
  return name.startsWith('functions/');
}

/** The part in which Postgres reports the error: by the body of a function, or by a position. Undefined without both. */
function failedPart(error: unknown, parts: Part[]): Part | undefined {
  const { internal_query: body, position } = error as { internal_query?: string; position?: string };
  if (body) return parts.find(({ text }) => text.includes(body));
  let end = 0;
  return parts.find(({ text }) => {
    // Postgres counts characters. The length of a string counts UTF-16 units.
    end += [...text].length;
    return Number(position) <= end;
  });
}
