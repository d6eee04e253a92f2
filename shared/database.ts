import postgres from 'postgres';

export type Database = postgres.Sql;

export interface DatabaseUse {
  /** As it stands in `pg_stat_activity`. */
  name: string;
  /** The most connections. */
  max: number;
  readOnly: boolean;
  /** Milliseconds after which Postgres gives a statement up; 0 for never. */
  timeout: number;
}

/** A pool of connections to Postgres; snake_case columns come as camelCase, bigint as number. */
export function connectDatabase(url: string, { name, max, readOnly, timeout }: DatabaseUse): Database {
  return postgres(url, {
    max,
    connect_timeout: 5,
    // The driver asks for array types unwatched: a connection lost meanwhile would end the process. So no arrays:
    // lists go in as `in ${database(list)}` and come out as json.
    fetch_types: false,
    onnotice: () => undefined,
    transform: { column: { from: postgres.toCamel } },
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
    connection: { application_name: name, default_transaction_read_only: readOnly, statement_timeout: timeout },
  }) as unknown as Database;
}

/** Whether a failure leaves open what became of the statement: Postgres could not be asked, or did not answer. */
export function isUnanswered(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string') return false;
  const isSqlState = /^[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE';
  // Of Postgres's own: 08 connection, 53 out of resources, 57 cancelled or shut down, and a server that may not write
  // or cannot be logged in to, as while another takes over. All else is the driver's or the system's.
  return !isSqlState || /^(08|53|57|28|3D|25006)/.test(code);
}
