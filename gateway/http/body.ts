import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { isUtf8 } from 'node:buffer';
import { Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';

/** @throws Refusal `bad_request` if the length of the body is ambiguous: a proxy could then see another request */
export function readHeaders(req: HttpRequest): Map<string, string> {
  const headers = new Map<string, string>();
  let lengths = 0;
  req.forEach((name, value) => {
    // Every proxy may add an X-Forwarded-For of its own. The last addresses come from the nearest proxy.
    const earlier = name === 'x-forwarded-for' ? headers.get(name) : undefined;
    headers.set(name, earlier === undefined ? value : `${earlier},${value}`);
    if (name === 'content-length' || name === 'transfer-encoding') lengths++;
  });
  const encoding = headers.get('transfer-encoding');
  if (lengths > 1 || (encoding !== undefined && encoding.toLowerCase() !== 'chunked')) throw new Refusal('bad_request');
  return headers;
}

/**
 * Reads the body. Call it in the tick of the request. It also sets `res.aborted` if the client goes away.
 * Rejects with Refusal `body_too_large`, or `bad_request` if the client goes away before its body has ended.
 */
export function readBody(res: HttpResponse, headers: Map<string, string>): Promise<Buffer> {
  if (Number(headers.get('content-length') ?? 0) > limits.MAX_BODY_BYTES) throw new Refusal('body_too_large');
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
      // uWebSockets.js takes the chunk back after this tick.
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
