import postgres from 'postgres';
import { ConnectionSlot, type Driver } from './connection-slot.ts';
import { standingRooms } from './contract/ids.ts';
import { guardStatements } from './guard-statements.ts';
import { type ServerAddress, SilentSockets } from './silent-sockets.ts';
import { StatementGate } from './statement-gate.ts';

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
  /**
   * Milliseconds after which Postgres cancels a statement. 0 means never. Otherwise, a statement without an answer for
   * one more second fails, and its connection is replaced.
   */
  timeout: number;
  /** Bounds the statements that wait for a connection. Further ones fail with `PoolBusyError`. Default: no bound. */
  queue?: { maxWaiting: number; maxWaitMs: number };
  /** Called for each statement that is sent. */
  onSend?: () => void;
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

const UNBOUNDED = { maxWaiting: Number.POSITIVE_INFINITY, maxWaitMs: Number.POSITIVE_INFINITY };
/** Postgres has cancelled a statement this long before its connection counts as silent. */
const SILENCE_AFTER_TIMEOUT_MS = 1_000;

/**
 * Opens a pool. A lost connection is opened again when a statement needs it. Columns get names in camelCase, a bigint
 * becomes a number, a timestamptz becomes RFC 3339 text. The uuid of a standing room becomes `general` or
 * `announcements`.
 */
export function connectDatabase(url: string, options: PoolOptions): Database {
  const { name, max, readOnly, timeout, queue = UNBOUNDED, onSend = () => undefined, settings } = options;
  const open = (onLost: () => void): Driver => postgres(url, { ...driverOptions, onclose: onLost });
  const slots = Array.from({ length: max }, () => new ConnectionSlot(open));
  const gate = new StatementGate({ slots, ...queue, onSend }, () => sockets?.now ?? 0);
  const sockets: SilentSockets | undefined =
    timeout === 0 ? undefined : watchSockets(timeout, gate, () => database`select true`);
  const driverOptions = {
    max: 1,
    connect_timeout: 5,
    ...(sockets && { socket: (address: ServerAddress) => sockets.open(address) }),
    // The option makes the driver read the array types on each new connection. If a connection is lost at that moment,
    // the process ends. Without the option the driver cannot write arrays: a statement gets a list as `in ${database(list)}`
    // or as the text of an array, and returns a list as json.
    fetch_types: false,
    onnotice: () => undefined,
    transform: { column: { from: postgres.toCamel } },
    types: {
      bigint: { to: 20, from: [20], parse: Number, serialize: String },
      date: { to: 1184, from: [1184], parse: toTimestamp, serialize: toTimestamp },
      uuids: { to: 2951, from: [2951], parse: toIds, serialize: String },
      uuid: { to: 2950, from: [2950], parse: toId, serialize: toStoredId },
    },
    connection: {
      application_name: name,
      default_transaction_read_only: readOnly,
      statement_timeout: timeout,
      ...(readOnly && READ_SETTINGS),
      ...settings,
    },
  };
  const end: Database['end'] = async (endOptions) => {
    sockets?.close();
    await Promise.all(slots.map((slot) => slot.end(endOptions)));
  };
  // This driver only makes the statements, and opens no connection.
  const statements = postgres(url, driverOptions) as unknown as Database;
  const database: Database = Object.assign(guardStatements(statements, gate), { end });
  return database;
}

/** @param probe any statement */
function watchSockets(timeout: number, gate: StatementGate, probe: () => Promise<unknown>): SilentSockets {
  return new SilentSockets({
    maxAnswerMs: timeout + SILENCE_AFTER_TIMEOUT_MS,
    oldestStart: () => gate.oldestStart,
    // A lost connection is logged by the statements that need it.
    probe: () => void probe().catch(() => undefined),
  });
}

/** Parses an array of the ids of users, such as `{…,…}`. */
function toIds(text: string): string[] {
  return text.slice(1, -1).split(',').filter(Boolean);
}

/** Returns RFC 3339 text in UTC with milliseconds, the only form of a timestamp in Rooms. */
function toTimestamp(moment: string | Date): string {
  return new Date(moment).toISOString();
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
