import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import type { ErrorCode, Refusal } from '../../shared/contract/errors.ts';
import type { AddressOf } from '../edge/addresses.ts';
import type { ShownRate } from '../edge/rate-headers.ts';
import { readBody, readHeaders } from './body.ts';

/** An answer. The body is encoded as JSON, except if it is a string: a string is already JSON. */
export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

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
 * @param path the path of the route, with its `:parameters`
 * @throws Refusal `bad_request` or `body_too_large`
 */
export function readRequest(
  res: HttpResponse,
  req: HttpRequest,
  path: string,
  addressOf: AddressOf,
): Omit<RawRequest, 'rate'> {
  const headers = readHeaders(req);
  const names = (path.match(/:\w+/g) ?? []).map((name) => name.slice(1));
  const parameters = names.map((name, index) => [name, req.getParameter(index) ?? '']);
  const query = new URLSearchParams(req.getQuery() ?? '');
  const address = addressOf(res.getRemoteAddress(), headers.get('x-forwarded-for'));
  const bytes = readBody(res, headers);
  // A route without a body never waits for `bytes`. Without this line, a rejection would then be unhandled.
  bytes.catch(() => undefined);
  return { parameters: Object.fromEntries(parameters), query: Object.fromEntries(query), headers, address, bytes };
}

/** Makes the answer that carries a refusal. */
export function refusalAnswer(refusal: Refusal, headers: Record<string, string> = {}): Answer {
  const { status, retryAfter } = refusal;
  const retry = retryAfter !== undefined && { 'Retry-After': `${retryAfter}` };
  return { status, body: refusal.toAnswer(), headers: { ...headers, ...retry } };
}

export function closesConnection(refusal: Refusal): boolean {
  return CLOSING.includes(refusal.code);
}

/** Writes an answer. Does nothing if the client has disconnected. */
export function writeAnswer(res: HttpResponse, { status, body, headers = {} }: Answer, close = false): void {
  if (res.aborted) return;
  res.cork(() => {
    res.writeStatus(`${status} ${STATUS_CODES[status]}`);
    if (body !== '') res.writeHeader('Content-Type', 'application/json; charset=utf-8');
    for (const [name, value] of Object.entries(headers)) res.writeHeader(name, value);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    // `true` closes the connection. Without it, this version of uWebSockets.js would read no further request on it.
    if (res.isHead) res.endWithoutBody(Buffer.byteLength(text), true);
    else res.end(text, close);
  });
}
