import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import type { ErrorCode, Refusal } from '../../shared/contract/errors.ts';
import type { AddressOf } from '../edge/addresses.ts';
import { readBody, readHeaders } from './body.ts';

/** An answer. The body is sent as JSON; a string is JSON already. */
export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** The input of a request, before any check of its content. */
export interface RawRequest {
  /** The values of the path's `:parameters`, by name. */
  parameters: Record<string, string>;
  query: Record<string, string>;
  headers: Map<string, string>;
  address: string;
  /** Resolves when the whole body is here. Rejects with Refusal `body_too_large`. */
  bytes: Promise<Buffer>;
}

/** After these refusals the connection closes, because its next bytes may be the rest of the refused request. */
const CLOSING: ErrorCode[] = ['bad_request', 'body_too_large'];

/**
 * Reads a request in the tick in which it arrives: uWebSockets.js takes the request object back after that tick.
 * @param path as it was registered, with its `:parameters`
 * @throws Refusal `bad_request` or `body_too_large`
 */
export function readRequest(res: HttpResponse, req: HttpRequest, path: string, addressOf: AddressOf): RawRequest {
  const headers = readHeaders(req);
  const names = (path.match(/:\w+/g) ?? []).map((name) => name.slice(1));
  const parameters = names.map((name, index) => [name, req.getParameter(index) ?? '']);
  const query = new URLSearchParams(req.getQuery() ?? '');
  const address = addressOf(res.getRemoteAddress(), headers.get('x-forwarded-for'));
  const bytes = readBody(res, headers);
  // A route without a body does not wait for it, so nobody else handles this rejection.
  bytes.catch(() => undefined);
  return { parameters: Object.fromEntries(parameters), query: Object.fromEntries(query), headers, address, bytes };
}

/** The answer to a refusal. */
export function refusalAnswer(refusal: Refusal, headers: Record<string, string> = {}): Answer {
  const { status, retryAfter } = refusal;
  const retry = retryAfter !== undefined && { 'Retry-After': `${retryAfter}` };
  return { status, body: refusal.toAnswer(), headers: { ...headers, ...retry } };
}

export function closesConnection(refusal: Refusal): boolean {
  return CLOSING.includes(refusal.code);
}

/** Writes an answer. Does nothing if the client has gone. */
export function writeAnswer(res: HttpResponse, { status, body, headers = {} }: Answer, close = false): void {
  if (res.aborted) return;
  res.cork(() => {
    res.writeStatus(`${status} ${STATUS_CODES[status]}`);
    if (body !== '') res.writeHeader('Content-Type', 'application/json; charset=utf-8');
    for (const [name, value] of Object.entries(headers)) res.writeHeader(name, value);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    // After an answer without a body, this version of uWebSockets.js reads no further request on the connection.
    if (res.isHead) res.endWithoutBody(Buffer.byteLength(text), true);
    else res.end(text, close);
  });
}
