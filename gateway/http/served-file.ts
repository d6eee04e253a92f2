import { type HeaderLines, toHeaderLines } from '../edge/header-lines.ts';

export interface ServedFileOptions {
  /** The value of the header `Content-Type`. */
  type: string;
  /** Browsers and proxies may keep the file for this number of seconds. With 0 they ask each time. */
  cacheSeconds: number;
  /** What the page in this file may do: the header `Content-Security-Policy`. By default it may do nothing. */
  policy?: string | undefined;
}

/** A file as the body of an answer. All other answers are JSON, and nobody may keep them. */
export class ServedFile {
  readonly bytes: Buffer;
  readonly type: string;
  readonly #changed: [name: string, value: string][];

  constructor(bytes: Buffer, { type, cacheSeconds, policy }: ServedFileOptions) {
    this.bytes = bytes;
    this.type = type;
    const cache = cacheSeconds === 0 ? 'no-cache' : `public, max-age=${cacheSeconds}`;
    this.#changed = [['Cache-Control', cache]];
    if (policy) this.#changed.push(['Content-Security-Policy', policy]);
  }

  /** @param lines the headers of every answer @returns the same headers with the values of this file */
  headers(lines: HeaderLines): HeaderLines {
    const pairs = lines.split('\r\n').map((line) => {
      const end = line.indexOf(': ');
      return [line.slice(0, end), line.slice(end + 2)] as const;
    });
    return toHeaderLines({ ...Object.fromEntries(pairs), ...Object.fromEntries(this.#changed) });
  }
}
