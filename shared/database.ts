import postgres from 'postgres';

/** A pool of connections. As a template tag it runs a statement, or makes a fragment of one if used inside another. */
export interface Database extends Pick<postgres.Sql, 'json' | 'unsafe' | 'end'> {
  <Rows extends readonly (object | undefined)[] = postgres.Row[]>(
    template: TemplateStringsArray,
    ...parameters: readonly postgres.ParameterOrFragment<never>[]
  ): postgres.PendingQuery<Rows>;
  /** An identifier, or the list of an `in`. */
  (value: string | readonly postgres.SerializableParameter[]): postgres.Helper<unknown>;
}

export interface DatabaseUse {
  /** The `application_name` in `pg_stat_activity`. */
  name: string;
  /** The maximum number of connections. */
  max: number;
  readOnly: boolean;
  /** Milliseconds after which Postgres cancels a statement. 0 means never. */
  timeout: number;
}

/** Opens a pool. Columns come in camelCase, bigint as a number, timestamptz as RFC 3339 text. */
export function connectDatabase(url: string, { name, max, readOnly, timeout }: DatabaseUse): Database {
  const sql = postgres(url, {
    max,
    connect_timeout: 5,
    // The driver reads the array types on each new connection, and a connection lost at that moment ends the process.
    // So there are no arrays: lists go in as `in ${database(list)}` and come out as json.
    fetch_types: false,
    onnotice: () => undefined,
    transform: { column: { from: postgres.toCamel } },
    types: {
      bigint: { to: 20, from: [20], parse: Number, serialize: String },
      date: { to: 1184, from: [1184], parse: toTimestamp, serialize: toTimestamp },
    },
    connection: { application_name: name, default_transaction_read_only: readOnly, statement_timeout: timeout },
  });
  return guardResults(sql as unknown as Database);
}

/** RFC 3339 in UTC with milliseconds: the only form of a timestamp in Rooms. */
function toTimestamp(moment: string | Date): string {
  return new Date(moment).toISOString();
}

/** The parts of the driver's objects that the guard uses. The driver's types do not show them. */
interface DriverConnection {
  /** Ends the connection after its last open statement, and lets the pool connect again. */
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
 * Refuses results that are wrong. If a statement fails after its first rows, the driver keeps its row counter, and the
 * next statement on that connection gets a result with empty places (https://github.com/porsager/postgres/issues/1181).
 * The guard rejects that statement with an Error that `isRefused` does not accept, and ends the connection.
 */
function guardResults(sql: Database): Database {
  const connections = new WeakMap<object, DriverConnection>();
  const condemned = new WeakSet<object>();

  const guard = (query: DriverQuery) => {
    const { resolve } = query;
    query.resolve = (result) => {
      if (isComplete(result)) return resolve(result);
      query.reject(new Error('postgres: the result of a statement is incomplete'));
      if (!connections.get(query.state)?.end()) condemned.add(query.state);
    };
    // The driver shows a connection nowhere else, and not for the first use of a statement with parameters.
    query.options.onexecute = (connection) => {
      connections.set(query.state, connection);
      if (!condemned.delete(query.state)) return true;
      connection.end();
      return false; // The pool puts no more statements on it.
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
  if (!Array.isArray(result)) return true; // the description of a statement
  // A text of several statements has a list of results, which has no count of its own.
  if (result.count === undefined) return result.every(isComplete);
  if (result.command === null) return false;
  // Postgres counts no rows for some statements, such as `show`. The empty places are always the first ones.
  return result.length === 0 || (0 in result && result.length === (result.count ?? result.length));
}

/**
 * True if Postgres itself refused a statement, so the statement had no effect. After any other failure the statement may
 * have had its effect: errors of the driver and of the system, and these classes of SQLSTATE: 08 connection, 53 out of
 * resources, 57 cancelled or shut down, and a server that allows no writes or no logins, as during a failover.
 */
export function isRefused(error: unknown): boolean {
  const code = String((error as { code?: unknown }).code);
  const isSqlState = /^[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE';
  return isSqlState && !/^(08|53|57|28|3D|25006)/.test(code);
}
