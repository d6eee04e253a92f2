import postgres from 'postgres';
import { standingRooms } from './contract/ids.ts';

/** A pool of connections to Postgres. As a template tag, it runs a statement, or makes a part of a larger statement. */
export interface Database extends Pick<postgres.Sql, 'json' | 'unsafe' | 'end'> {
  <Rows extends readonly (object | undefined)[] = postgres.Row[]>(
    template: TemplateStringsArray,
    ...parameters: readonly postgres.ParameterOrFragment<never>[]
  ): postgres.PendingQuery<Rows>;
  /** Makes an identifier, or the list of an `in` condition. */
  (value: string | readonly postgres.SerializableParameter[]): postgres.Helper<unknown>;
}

export interface PoolOptions {
  /** The `application_name` in `pg_stat_activity`. */
  name: string;
  /** The maximum number of connections. */
  max: number;
  readOnly: boolean;
  /** Milliseconds after which Postgres cancels a statement. 0 means never. */
  timeout: number;
  /** Further settings of each session. */
  settings?: Record<string, number>;
}

/**
 * Reads look up rows by their keys. So Postgres plans each statement once and not for each value, reads no whole table
 * while an index exists, and compiles nothing. `off` is a text, because the driver does not send a setting of `false`.
 */
const READ_SETTINGS = { plan_cache_mode: 'force_generic_plan', enable_seqscan: 'off', jit: 'off' };

const storedIdOf = new Map<string, string>(Object.entries(standingRooms));
const idOfStored = new Map([...storedIdOf].map(([id, storedId]) => [storedId, id]));
/** The SQL function stored_id is a copy of this, for ids in JSON and in arrays. A test compares the two. */
const toStoredId = (id: string) => storedIdOf.get(id) ?? id;
/**
 * Returns the id of a stored UUID. First compares the beginning: to look up all five UUIDs of every message would cost
 * 2 % of a batch.
 */
export const toId = (storedId: string) =>
  storedId.startsWith('00000000-') ? (idOfStored.get(storedId) ?? storedId) : storedId;

/**
 * Opens a pool. Columns get names in camelCase, a bigint becomes a number, a timestamptz becomes RFC 3339 text. The
 * uuid of a standing room becomes `general` or `announcements`.
 */
export function connectDatabase(url: string, { name, max, readOnly, timeout, settings }: PoolOptions): Database {
  const sql = postgres(url, {
    max,
    connect_timeout: 5,
    // The option makes the driver read the array types on each new connection. If a connection is lost at that moment,
    // the process ends. Without the option the driver cannot write arrays: a statement gets a list as `in ${database(list)}`
    // or as the text of an array, and returns a list as json.
    fetch_types: false,
    onnotice: () => undefined,
    transform: { column: { from: postgres.toCamel } },
    types: {
      bigint: { to: 20, from: [20], parse: Number, serialize: String },
      date: { to: 1184, from: [1184], parse: toTimestamp, serialize: toTimestamp },
      uuid: { to: 2950, from: [2950], parse: toId, serialize: toStoredId },
    },
    connection: {
      application_name: name,
      default_transaction_read_only: readOnly,
      statement_timeout: timeout,
      ...(readOnly && READ_SETTINGS),
      ...settings,
    },
  });
  return guardResults(sql as unknown as Database);
}

/** Returns RFC 3339 text in UTC with milliseconds, the only form of a timestamp in Rooms. */
function toTimestamp(moment: string | Date): string {
  return new Date(moment).toISOString();
}

/** The parts of the driver's objects that the guard uses. The driver's types do not show them. */
interface DriverConnection {
  /** Ends the connection after its running statements. The pool then connects again. */
  end(): unknown;
}
interface DriverQuery {
  options: { onexecute?: (connection: DriverConnection) => boolean };
  /** One object for each connection. */
  state: object;
  resolve(result: DriverResult): void;
  reject(error: Error): void;
}
type DriverResult = DriverResult[] & { count?: number | null; command?: string | null };

/**
 * Adds a guard against wrong results. If a statement fails after its first rows, the driver does not reset its row
 * counter. The next statement on this connection then gets a result whose first places are empty
 * (https://github.com/porsager/postgres/issues/1181). The guard rejects this next statement and ends the connection.
 * `isRefused` is false for the error, because the statement may have had an effect.
 */
function guardResults(sql: Database): Database {
  const connections = new WeakMap<object, DriverConnection>();
  const connectionsToEnd = new WeakSet<object>();

  const guard = (query: DriverQuery) => {
    const { resolve } = query;
    query.resolve = (result) => {
      if (isComplete(result)) return resolve(result);
      query.reject(new Error('postgres: the result of a statement is incomplete'));
      if (!connections.get(query.state)?.end()) connectionsToEnd.add(query.state);
    };
    // Only this callback gets the connection. The driver skips it at the first use of a statement with parameters.
    query.options.onexecute = (connection) => {
      connections.set(query.state, connection);
      if (!connectionsToEnd.delete(query.state)) return true;
      connection.end();
      return false; // The pool sends no more statements on this connection.
    };
    return query;
  };

  const run = (...call: Parameters<Database>) => {
    const built: unknown = sql(...call);
    return built instanceof Promise ? guard(built as unknown as DriverQuery) : built;
  };
  const unsafe = (...call: Parameters<Database['unsafe']>) => guard(sql.unsafe(...call) as unknown as DriverQuery);
  return Object.assign(run, { json: sql.json, unsafe, end: sql.end }) as unknown as Database;
}

function isComplete(result: DriverResult): boolean {
  if (!Array.isArray(result)) return true; // This is the description of a statement.
  // A text of several statements has a list of results, and the list has no count.
  if (result.count === undefined) return result.every(isComplete);
  if (result.command === null) return false;
  // Postgres counts no rows for some statements, such as `show`. In a wrong result, the first place is empty.
  return result.length === 0 || (0 in result && result.length === (result.count ?? result.length));
}

/**
 * True if Postgres itself refused a statement. Then the statement had no effect. False for every other failure, after
 * which the statement may have had its effect:
 * - errors of the driver and of the operating system
 * - SQLSTATE 08 (connection), 53 (out of resources), 57 (cancelled or shut down)
 * - SQLSTATE 28, 3D and 25006: the server allows no logins or no writes, as during a failover
 */
export function isRefused(error: unknown): boolean {
  const code = String((error as { code?: unknown }).code);
  const isSqlState = /^[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE';
  return isSqlState && !/^(08|53|57|28|3D|25006)/.test(code);
}
