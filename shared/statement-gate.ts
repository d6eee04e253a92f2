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
  /** The number of statements in flight. */
  max: number;
  /** The number of statements that wait. Further ones are rejected with {@link PoolBusyError}. */
  maxWaiting: number;
  /** A statement that waits longer is rejected with {@link PoolBusyError}. It can be Infinity. */
  maxWaitMs: number;
}

/**
 * Lets through as many statements as the pool has connections. With more statements in flight, the driver loses a
 * connection for good each time that it reports one lost connection to two statements.
 */
export class StatementGate {
  readonly #options: GateOptions;
  readonly #now: () => number;
  /** The statements in flight, oldest first, with the times of their starts. */
  readonly #running = new Map<GatedStatement, number>();
  readonly #waiting = new Set<() => void>();
  #isStarting = false;

  /** @param now the clock of {@link oldestStart} */
  constructor(options: GateOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  get inFlight(): number {
    return this.#running.size;
  }

  /** When the oldest statement in flight started. Undefined if no statement is in flight. */
  get oldestStart(): number | undefined {
    return this.#running.values().next().value;
  }

  /** Makes a statement pass the gate. Call this before anybody waits for the statement. */
  guard(statement: GatedStatement): void {
    const { handler, resolve, reject } = statement;
    let isSettled = false;
    const settle = () => {
      isSettled = true;
      if (this.#running.delete(statement)) this.#startWaiting();
    };
    statement.resolve = (result) => {
      settle();
      resolve(result);
    };
    statement.reject = (error) => {
      settle();
      reject(error);
    };
    const start = () => {
      if (isSettled) return; // It was cancelled while it waited.
      this.#running.set(statement, this.#now());
      handler(statement);
    };
    statement.handler = () => this.#enter(statement, start);
  }

  #enter(statement: GatedStatement, start: () => void): void {
    const { max, maxWaiting } = this.#options;
    if (this.#running.size < max) start();
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
      if (this.#running.size >= this.#options.max) break;
      this.#waiting.delete(proceed);
      proceed();
    }
    this.#isStarting = false;
  }
}
