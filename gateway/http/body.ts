import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { isUtf8 } from 'node:buffer';
import { Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';

/**
 * Reads the headers.
 * @throws Refusal `bad_request` if the length of the body is ambiguous: a proxy could then find another end of the body
 */
export function readHeaders(req: HttpRequest): Map<string, string> {
  const headers = new Map<string, string>();
  let lengths = 0;
  req.forEach((name, value) => {
    // Each proxy can add its own X-Forwarded-For header. The last header comes from the nearest proxy.
    const earlier = name === 'x-forwarded-for' ? headers.get(name) : undefined;
    headers.set(name, earlier === undefined ? value : `${earlier},${value}`);
    if (name === 'content-length' || name === 'transfer-encoding') lengths++;
  });
  const encoding = headers.get('transfer-encoding');
  if (lengths > 1 || (encoding !== undefined && encoding.toLowerCase() !== 'chunked')) throw new Refusal('bad_request');
  return headers;
}

const NO_BODY = Promise.resolve(Buffer.alloc(0));

/**
 * Reads the body. Call this in the tick of the request. Sets `res.aborted` when the client disconnects.
 * @throws Refusal `body_too_large`, or `bad_request` if the client disconnects before the end of the body
 */
export function readBody(res: HttpResponse, headers: Map<string, string>): Promise<Buffer> {
  if (Number(headers.get('content-length') ?? 0) > limits.MAX_BODY_BYTES) throw new Refusal('body_too_large');
  if (!headers.has('content-length') && !headers.has('transfer-encoding')) {
    res.onAborted(() => {
      res.aborted = true;
    });
    return NO_BODY;
  }
  return new Promise((resolve, reject) => {
    res.onAborted(() => {
      res.aborted = true;
      reject(new Refusal('bad_request'));
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    res.onData((chunk, isLast) => {
      bytes += chunk.byteLength;
      if (bytes > limits.MAX_BODY_BYTES) return reject(new Refusal('body_too_large'));
      // uWebSockets.js reuses the memory of the chunk after this tick.
      chunks.push(Buffer.from(chunk.slice(0)));
      if (isLast) resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    });
  });
}

/** Decodes the body of a request. @throws Refusal `json_only` or `bad_json` */
export function readText(bytes: Buffer, headers: Map<string, string>): string {
  if (!/^application\/json\s*(;|$)/i.test(headers.get('content-type') ?? '')) throw new Refusal('json_only');
  if (!isUtf8(bytes)) throw new Refusal('bad_json');
  return bytes.toString('utf8');
}
