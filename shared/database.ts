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

/** A pool of connections to Postgres. Columns come in camelCase, bigint as number, timestamptz as RFC 3339 text. */
export function connectDatabase(url: string, { name, max, readOnly, timeout }: DatabaseUse): Database {
  return postgres(url, {
    max,
    connect_timeout: 5,
    // The driver asks for array types unwatched: a connection lost meanwhile would end the process. So no arrays:
    // lists go in as `in ${database(list)}` and come out as json.
    fetch_types: false,
    onnotice: () => undefined,
    transform: { column: { from: postgres.toCamel } },
    types: {
      bigint: { to: 20, from: [20], parse: Number, serialize: String },
      date: { to: 1184, from: [1184], parse: toTimestamp, serialize: toTimestamp },
    },
    connection: { application_name: name, default_transaction_read_only: readOnly, statement_timeout: timeout },
  }) as unknown as Database;
}

/** RFC 3339 in UTC with milliseconds, the one form in which Rooms passes a moment on. */
function toTimestamp(moment: string | Date): string {
  return new Date(moment).toISOString();
}

/**
 * Whether Postgres itself refused a statement, so that it has had no effect. Every other failure leaves that open: the
 * driver's, the system's, and of Postgres's own 08 connection, 53 out of resources, 57 cancelled or shut down, and a
 * server that may not write or cannot be logged in to, as while another takes over.
 */
export function isRefused(error: unknown): boolean {
  const code = String((error as { code?: unknown }).code);
  const isSqlState = /^[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE';
  return isSqlState && !/^(08|53|57|28|3D|25006)/.test(code);
}
