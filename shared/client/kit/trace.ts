/** The last lines explain a failure. */
const MAX_LINES = 16;
const MAX_LINE_LENGTH = 240;

/** What the kit and the client did last, for a person who reads why a case failed. */
export class Trace {
  readonly #startMs = performance.now();
  #lines: string[] = [];

  add(what: string, frame?: unknown): void {
    const seconds = ((performance.now() - this.#startMs) / 1_000).toFixed(2);
    const line = `${seconds} s  ${what}${frame === undefined ? '' : `  ${textOf(frame)}`}`;
    this.#lines.push(line.length > MAX_LINE_LENGTH ? `${line.slice(0, MAX_LINE_LENGTH)} …` : line);
    this.#lines = this.#lines.slice(-MAX_LINES);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }
}

const textOf = (frame: unknown): string => (typeof frame === 'string' ? frame : JSON.stringify(frame));
