import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { isUtf8 } from 'node:buffer';
import { Refusal } from '../../shared/contract/errors.ts';

const MOST_BODY_BYTES = 16 * 1024;

/** @throws Refusal `bad_request` where the length of the body is said twice: two readers could read two requests */
export function readHeaders(req: HttpRequest): Map<string, string> {
  const headers = new Map<string, string>();
  let lengths = 0;
  req.forEach((name, value) => {
    // Of X-Forwarded-For each proxy may add one of its own; the last words are those of the nearest.
    const former = name === 'x-forwarded-for' ? headers.get(name) : undefined;
    headers.set(name, former === undefined ? value : `${former},${value}`);
    if (name === 'content-length' || name === 'transfer-encoding') lengths++;
  });
  const encoding = headers.get('transfer-encoding');
  if (lengths > 1 || (encoding !== undefined && encoding.toLowerCase() !== 'chunked')) throw new Refusal('bad_request');
  return headers;
}

/** To be called in the tick of the request. Rejects with Refusal `body_too_large`. */
export function readBody(res: HttpResponse, headers: Map<string, string>): Promise<Buffer> {
  if (Number(headers.get('content-length') ?? 0) > MOST_BODY_BYTES) throw new Refusal('body_too_large');
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    res.onData((chunk, isLast) => {
      bytes += chunk.byteLength;
      if (bytes > MOST_BODY_BYTES) return reject(new Refusal('body_too_large'));
      chunks.push(Buffer.from(chunk.slice(0)));
      if (isLast) resolve(Buffer.concat(chunks));
    });
  });
}

/** @throws Refusal `json_only` or `bad_json` */
export function readText(bytes: Buffer, headers: Map<string, string>): string {
  if (!/^application\/json\s*(;|$)/i.test(headers.get('content-type') ?? '')) throw new Refusal('json_only');
  if (!isUtf8(bytes)) throw new Refusal('bad_json');
  return bytes.toString('utf8');
}
