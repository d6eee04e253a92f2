import { connectDatabase, type Database } from '../../shared/database.ts';
import { createCpuReader } from '../cpu.ts';
import { type Figures, startCpu } from '../measure.ts';
import type { Environment } from './peer.ts';

const MAX_ROWS = 20_000;
const CONNECTIONS = 10;

/** How Postgres gets the rows. */
export interface InsertShape {
  title: string;
  rowsPerStatement: number;
  /** How many statements run at the same time, each on its own connection. */
  connections: number;
}

export const insertShapes: InsertShape[] = [
  { title: 'bare insert, 500 rows per statement', rowsPerStatement: 500, connections: 1 },
  { title: 'bare insert, 1 row per statement', rowsPerStatement: 1, connections: CONNECTIONS },
];

/**
 * Inserts rows that Rooms stored into a table with the same columns and indexes, without sockets and without checks.
 * @returns the rows per second as `acked/s`
 */
export async function insertRows(shape: InsertShape, { databaseUrl, redisUrl }: Environment): Promise<Figures> {
  const { rowsPerStatement, connections } = shape;
  const options = { name: 'bench-peers', max: connections, readOnly: false, timeout: 0 };
  const database = connectDatabase(databaseUrl, options);
  try {
    const batches = await readBatches(database, rowsPerStatement);
    await database`drop table if exists bare_rows`;
    await database`create table bare_rows (like messages including all)`;
    const measureCpu = startCpu(await createCpuReader({ gateways: [], workers: [] }, database, redisUrl));
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: connections }, () => insertBatches(database, batches)));
    const seconds = (performance.now() - startedAt) / 1_000;
    const [stored] = await database<{ rows: number }[]>`select count(*)::int as rows from bare_rows`;
    const rows = stored?.rows as number;
    return { 'acked/s': rows / seconds, ...measureCpu(rows) };
  } finally {
    await database.end();
  }
}

/** @returns rows that Rooms stored, as JSON texts with this number of rows in each */
async function readBatches(database: Database, rowsPerBatch: number): Promise<string[]> {
  const batches = await database<{ batch: string }[]>`
    with numbered as (
      select messages as message, (row_number() over () - 1) / ${rowsPerBatch}::int as batch
      from messages where command = 'CreateMessage' limit ${MAX_ROWS}
    )
    select json_agg(message)::text as batch from numbered group by numbered.batch`;
  return batches.map(({ batch }) => batch);
}

/** Inserts batch after batch, until none is left. */
async function insertBatches(database: Database, batches: string[]): Promise<void> {
  for (let batch = batches.pop(); batch !== undefined; batch = batches.pop())
    await database`insert into bare_rows select * from json_populate_recordset(null::bare_rows, ${batch}::text::json)`;
}
