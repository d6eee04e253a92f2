import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import type { ErrorCode, Refusal } from '../../shared/contract/errors.ts';
import type { AddressOf } from '../edge/addresses.ts';
import { type HeaderLines, joinHeaderLines, writeHeaderLines } from '../edge/header-lines.ts';
import type { ShownRate } from '../edge/rate-headers.ts';
import { readBody, readHeaders } from './body.ts';
import { ServedFile } from './served-file.ts';

/** An answer. The body is encoded as JSON, except if it is a ServedFile, or a string or a Buffer that is already JSON. */
export interface Answer {
  status: number;
  body: unknown;
  headers?: HeaderLines;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** The input of a request, before any check of its content. */
export interface RawRequest {
  /** The value of each `:parameter` of the path. */
  parameters: Record<string, string>;
  query: Record<string, string>;
  headers: Map<string, string>;
  address: string;
  /** What the headers of the answer show about limits. */
  rate: ShownRate;
  /** Resolves when the whole body has arrived. Rejects with Refusal `body_too_large` or `bad_request`. */
  bytes: Promise<Buffer>;
}

/** These refusals close the connection, because the next bytes on it can be the rest of the refused request. */
const CLOSING: ErrorCode[] = ['bad_request', 'body_too_large'];

/**
 * Reads a request. Call this in the tick of the request: after this tick, `req` is not valid any more.
 * @param parameterNames what {@link parameterNamesOf} returns for the path of the route
 * @throws Refusal `bad_request` or `body_too_large`
 */
export function readRequest(
  res: HttpResponse,
  req: HttpRequest,
  { parameterNames, addressOf, rate }: { parameterNames: string[]; addressOf: AddressOf; rate: ShownRate },
): RawRequest {
  const headers = readHeaders(req);
  const parameters: Record<string, string> = {};
  for (const [index, name] of parameterNames.entries()) parameters[name] = req.getParameter(index) ?? '';
  const query = req.getQuery();
  const address = addressOf(res.getRemoteAddress(), headers.get('x-forwarded-for'));
  const bytes = readBody(res, headers);
  // A route without a body never waits for `bytes`. Without this line, a rejection would then be unhandled.
  bytes.catch(() => undefined);
  const parsedQuery = query ? Object.fromEntries(new URLSearchParams(query)) : {};
  return { parameters, query: parsedQuery, headers, address, rate, bytes };
}

/** Returns the name of each `:parameter` of a path. */
export function parameterNamesOf(path: string): string[] {
  return (path.match(/:\w+/g) ?? []).map((name) => name.slice(1));
}

/** Makes the answer that carries a refusal. */
export function refusalAnswer(refusal: Refusal, headers: HeaderLines = ''): Answer {
  const { status, retryAfter } = refusal;
  const retry = retryAfter === undefined ? '' : `Retry-After: ${retryAfter}`;
  return { status, body: refusal.toAnswer(), headers: joinHeaderLines(headers, retry) };
}

export function closesConnection(refusal: Refusal): boolean {
  return CLOSING.includes(refusal.code);
}

/** Writes an answer. Does nothing if the client has disconnected. */
export function writeAnswer(res: HttpResponse, answer: Answer, close = false): void {
  if (res.aborted) return;
  const { status, headers = '' } = answer;
  const { bytes: body, type } = encode(answer.body);
  res.cork(() => {
    if (status !== 200) res.writeStatus(`${status} ${STATUS_CODES[status]}`);
    if (body !== '') res.writeHeader('Content-Type', type);
    writeHeaderLines(res, headers);
    // `true` closes the connection. Without it, this version of uWebSockets.js would read no further request on it.
    if (res.isHead) res.endWithoutBody(Buffer.byteLength(body), true);
    else res.end(body, close);
  });
}

function encode(body: unknown): { bytes: string | Buffer; type: string } {
  if (body instanceof ServedFile) return body;
  const isEncoded = typeof body === 'string' || Buffer.isBuffer(body);
  return { bytes: isEncoded ? body : JSON.stringify(body), type: JSON_TYPE };
}
