/** A statement of a driver. `handler` sends it, or another statement. */
interface Sendable {
  handler(statement: Sendable): void;
}

/** A driver with one connection. As a template tag, it makes a statement. */
export interface Driver {
  (template: TemplateStringsArray): unknown;
  end(options?: { timeout?: number | undefined }): Promise<void>;
}

/**
 * The place of one connection in a pool. A driver whose connection was lost is not used again: bytes that it had not
 * written yet would stay in its buffer, and it could not log in again before they are more than 1,024.
 */
export class ConnectionSlot {
  readonly #open: (onLost: () => void) => Driver;
  #driver: Driver | undefined;
  #hasEnded = false;

  /** @param open makes a driver with at most one connection, which it opens when it gets a statement */
  constructor(open: (onLost: () => void) => Driver) {
    this.#open = open;
  }

  /** The statement before must be settled. */
  run(statement: Sendable): void {
    this.#driver ??= this.#openDriver();
    // Every statement of a driver has the function that sends statements.
    const { handler } = this.#driver`` as Sendable;
    handler(statement);
  }

  /** The next statement gets a new connection. */
  replace(): void {
    if (this.#hasEnded) return;
    const driver = this.#driver;
    this.#driver = undefined;
    driver?.end({ timeout: 0 }).catch(() => undefined); // It only closes the socket.
  }

  /** Waits for the running statement, at most for this number of seconds. Later statements are rejected. */
  async end(options?: { timeout?: number | undefined }): Promise<void> {
    this.#hasEnded = true;
    this.#driver ??= this.#openDriver();
    await this.#driver.end(options);
  }

  #openDriver(): Driver {
    const driver = this.#open(() => {
      if (driver === this.#driver) this.replace();
    });
    return driver;
  }
}
