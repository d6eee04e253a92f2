import { withTimeout } from '../../shared/timeout.ts';

const CHECK_EVERY_MS = 1_000;
/** A service that does not answer a check in this time counts as missing. */
const CHECK_TIMEOUT_MS = 2_000;

/** For each service that a gateway needs: a function that throws if the service does not answer. */
type Checks = Record<string, () => Promise<unknown>>;

/** Knows which services answer. Asks them once per second, however often `/readyz` is requested. */
export class Readiness {
  readonly #checks: Checks;
  readonly #timer: NodeJS.Timeout;
  #missing: string[];
  #isChecking = false;

  /** Until the first check has ended, all services count as missing. */
  constructor(checks: Checks) {
    this.#checks = checks;
    this.#missing = Object.keys(checks);
    this.#timer = setInterval(() => void this.#check(), CHECK_EVERY_MS);
    void this.#check();
  }

  /** The names of the services that did not answer their last check. */
  get missing(): readonly string[] {
    return this.#missing;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    const names = Object.keys(this.#checks);
    const answers = Object.values(this.#checks).map((check) => withTimeout(check(), CHECK_TIMEOUT_MS));
    const results = await Promise.allSettled(answers);
    this.#missing = names.filter((_, index) => results[index]?.status === 'rejected');
    this.#isChecking = false;
  }
}
