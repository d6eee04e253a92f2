import { Connection } from './connection.ts';

const END_OF_HEADERS = Buffer.from('\r\n\r\n');
const CONTENT_LENGTH = /^content-length: *(\d+)/im;

export interface RawHttpOptions {
  url: string;
  onConnect: () => void;
  /** Called for each answer. The body is only valid during the call. */
  onAnswer: (status: number, bytes: Buffer, bodyStart: number, bodyEnd: number) => void;
  onClose: (reason: string) => void;
}

/** An HTTP connection for load tests, which stays open. Each answer must have the header `Content-Length`. */
export class RawHttp {
  readonly #connection: Connection;
  readonly #onAnswer: RawHttpOptions['onAnswer'];

  constructor({ onAnswer, ...options }: RawHttpOptions) {
    this.#onAnswer = onAnswer;
    this.#connection = new Connection({ ...options, onBytes: (bytes, end) => this.#readAnswers(bytes, end) });
  }

  /** Sends a request that {@link encodeRequest} made. Copies it, so the caller may change the bytes afterwards. */
  send(request: Buffer): void {
    this.#connection.send(request);
  }

  destroy(): void {
    this.#connection.close('the client closed it');
  }

  #readAnswers(bytes: Buffer, end: number): number {
    let at = 0;
    while (at < end) {
      const headersEnd = bytes.subarray(at, end).indexOf(END_OF_HEADERS);
      if (headersEnd < 0) break;
      const headers = bytes.toString('latin1', at, at + headersEnd);
      const bodyStart = at + headersEnd + END_OF_HEADERS.length;
      const bodyEnd = bodyStart + Number(CONTENT_LENGTH.exec(headers)?.[1]);
      if (Number.isNaN(bodyEnd)) this.#connection.close(`an answer without Content-Length: ${headers}`);
      if (!(bodyEnd <= end)) break;
      // The status follows `HTTP/1.1 `.
      this.#onAnswer(Number(headers.slice(9, 12)), bytes, bodyStart, bodyEnd);
      at = bodyEnd;
    }
    return at;
  }
}

/** @param route such as `POST /api/rooms` @param headers lines without an end */
export function encodeRequest(url: string, route: string, headers: string[], body = ''): Buffer {
  const lines = [`${route} HTTP/1.1`, `Host: ${new URL(url).host}`, ...headers];
  if (body) lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
