import type postgres from 'postgres';
import type { Database } from '../../shared/database.ts';

/** The number of rows in one read of the original, and in one statement that stores rows in Rooms. */
const PAGE_ROWS = 1_000;

/** Copies one kind of rows. The import runs the steps one after the other. */
export interface Step<Row extends object = object> {
  name: string;
  /** The query of all rows, in the form in which `store` needs them. The original executes it. */
  rows(original: Database): postgres.PendingQuery<postgres.Row[]>;
  /** The SQL of the order in which the rows are stored. */
  order: string;
  /** Returns how many of these rows Rooms already has. */
  countKnown(rooms: Database, page: Row[]): Promise<number>;
  /** Stores the rows that Rooms does not have, with one autocommit statement. @returns the number of stored rows */
  store(rooms: Database, page: Row[]): Promise<number>;
}

export interface Counts {
  name: string;
  read: number;
  imported: number;
  known: number;
}

/** Counts the rows of a step. */
export async function countRows(step: Step, original: Database): Promise<number> {
  const [row] = await original<{ count: number }[]>`select count(*) from (${step.rows(original)}) counted`;
  return row?.count ?? 0;
}

/** Reads the rows of a step in pages, in the order of the step. */
export function readRows<Row extends object>(step: Step<Row>, original: Database): AsyncGenerator<Row[]> {
  return readPages(original, original`${step.rows(original)} order by ${original.unsafe(step.order)}`);
}

/**
 * Executes a query once and returns its rows in pages. Postgres keeps the rows in a cursor: the original has no index
 * for the order of its messages, so a new query for each page would read the whole table again. The cursor of the
 * driver is not used, because it ends without an error if the connection is lost between two pages.
 * @param database has at most one connection, and one such query at a time
 */
export async function* readPages<Row extends object>(
  database: Database,
  query: postgres.PendingQuery<postgres.Row[]>,
): AsyncGenerator<Row[]> {
  await database`declare import_rows cursor with hold for ${query}`;
  for (;;) {
    const page = await database.unsafe<Row[]>(`fetch ${PAGE_ROWS} from import_rows`);
    if (page.length === 0) break;
    yield page;
  }
  // This fails if the connection, and with it the cursor, was lost.
  await database`close import_rows`;
}

/** Stores all rows of a step. With `isDryRun`, only counts them. @param onPage gets the number of rows until then */
export async function runStep(
  step: Step,
  { original, rooms }: { original: Database; rooms: Database },
  isDryRun: boolean,
  onPage: (read: number) => void,
): Promise<Counts> {
  const counts = { name: step.name, read: 0, imported: 0, known: 0 };
  for await (const page of readRows(step, original)) {
    const imported = isDryRun ? page.length - (await step.countKnown(rooms, page)) : await step.store(rooms, page);
    counts.read += page.length;
    counts.imported += imported;
    counts.known += page.length - imported;
    onPage(counts.read);
  }
  return counts;
}

/** Returns rows as a parameter for `jsonb_to_recordset`. */
export function jsonRows(rooms: Database, rows: object[]): postgres.Parameter {
  return rooms.json(rows as unknown as postgres.JSONValue);
}

/**
 * The SQL for the times of a row, as text with milliseconds. The microseconds are cut off, as clients cut them off.
 * Postgres would round them.
 */
export function timeColumns(original: Database) {
  return original`
    to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as created_at,
    to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as updated_at`;
}

/** Returns the only number of a statement that counts. */
export async function countOf(statement: PromiseLike<{ count: number }[]>): Promise<number> {
  const [row] = await statement;
  if (!row) throw new Error('postgres returned no row');
  return row.count;
}
