import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';

/** True if processes can have a wrong clock: `apt-get install libfaketime`. */
export const hasFakeClock = existsSync(LIBRARY);

/** The wall clock of processes. Their monotonic clock stays right. */
export class FakeClock {
  /** The environment of the processes. */
  readonly env: Record<string, string>;
  readonly #file: string;

  /** @param folder for a file that the processes read each time when they look at the clock */
  constructor(folder: string) {
    this.#file = join(folder, 'clock');
    this.env = {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
    this.set(0);
  }

  /** @param offsetS how many seconds the clock is ahead */
  set(offsetS: number): void {
    writeFileSync(this.#file, `+${offsetS}`);
  }
}
