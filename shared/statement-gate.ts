import type { ConnectionSlot } from './connection-slot.ts';

/** A statement waited too long for a connection, or too many statements wait. It was not sent. */
export class PoolBusyError extends Error {
  override readonly name = 'PoolBusyError';
}

/** The parts of a statement of the driver that the gate uses. The driver's types do not show them. */
export interface GatedStatement {
  /** The driver calls this once, when somebody waits for the statement. Never for a part of a larger statement. */
  handler(statement: GatedStatement): void;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export interface GateOptions {
  /** Each connection has one statement in flight. */
  slots: ConnectionSlot[];
  /** The number of statements that wait. Further ones are rejected with {@link PoolBusyError}. */
  maxWaiting: number;
  /** A statement that waits longer is rejected with {@link PoolBusyError}. It can be Infinity. */
  maxWaitMs: number;
  /** Called for each statement that is sent. */
  onSend: () => void;
}

/**
 * Gives each statement a connection of its own. A driver with more statements than connections reports one lost
 * connection to several statements, and then does not open all connections again.
 */
export class StatementGate {
  readonly #options: GateOptions;
  readonly #now: () => number;
  /** The statements in flight, oldest first, with the times of their starts. */
  readonly #running = new Map<GatedStatement, { startedAt: number; slot: ConnectionSlot }>();
  /** The last one is the next. So a pool with little to do uses few connections. */
  readonly #free: ConnectionSlot[];
  readonly #waiting = new Set<() => void>();
  #isStarting = false;

  /** @param now the clock of {@link oldestStart} */
  constructor(options: GateOptions, now: () => number) {
    this.#options = options;
    this.#free = options.slots.toReversed();
    this.#now = now;
  }

  /** When the oldest statement in flight started. Undefined if no statement is in flight. */
  get oldestStart(): number | undefined {
    return this.#running.values().next().value?.startedAt;
  }

  /** Makes a statement pass the gate. Call this before anybody waits for the statement. */
  guard(statement: GatedStatement): void {
    const { resolve, reject } = statement;
    let isSettled = false;
    const settle = () => {
      isSettled = true;
      const running = this.#running.get(statement);
      if (!running) return;
      this.#running.delete(statement);
      this.#free.push(running.slot);
      this.#startWaiting();
    };
    statement.resolve = (result) => {
      settle();
      resolve(result);
    };
    statement.reject = (error) => {
      if (isConnectionLost(error)) this.replaceConnection(statement);
      settle();
      reject(error);
    };
    const start = () => {
      const slot = isSettled ? undefined : this.#free.pop();
      if (!slot) return; // It was cancelled while it waited.
      this.#running.set(statement, { startedAt: this.#now(), slot });
      this.#options.onSend();
      slot.run(statement);
    };
    statement.handler = () => this.#enter(statement, start);
  }

  /** Replaces the connection of a statement in flight, before the statement is settled. */
  replaceConnection(statement: GatedStatement): void {
    this.#running.get(statement)?.slot.replace();
  }

  #enter(statement: GatedStatement, start: () => void): void {
    const { maxWaiting } = this.#options;
    if (this.#free.length > 0) start();
    else if (this.#waiting.size < maxWaiting) this.#wait(statement, start);
    else statement.reject(new PoolBusyError('too many statements wait for a connection'));
  }

  #wait(statement: GatedStatement, start: () => void): void {
    const { maxWaitMs } = this.#options;
    const giveUp = () => {
      this.#waiting.delete(proceed);
      statement.reject(new PoolBusyError(`no connection was free in ${maxWaitMs} ms`));
    };
    const timer = Number.isFinite(maxWaitMs) ? setTimeout(giveUp, maxWaitMs) : undefined;
    const proceed = () => {
      clearTimeout(timer);
      start();
    };
    this.#waiting.add(proceed);
  }

  /** A statement that starts can fail at once and call this again, so it only loops here. */
  #startWaiting(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    for (const proceed of this.#waiting) {
      if (this.#free.length === 0) break;
      this.#waiting.delete(proceed);
      proceed();
    }
    this.#isStarting = false;
  }
}

/**
 * Without an answer of Postgres the connection is lost, and the driver may not know it yet. After a fatal error, Postgres
 * ends the connection. If it is the answer to a login, the driver would open the connection again for the next statement,
 * also if the driver has been ended meanwhile, and leave it open without end.
 */
function isConnectionLost(error: Error & { severity?: string }): boolean {
  return error.name !== 'PostgresError' || error.severity === 'FATAL' || error.severity === 'PANIC';
}
