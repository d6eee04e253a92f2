import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import type * as v from 'valibot';
import { errors, Refusal } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { AddressOf } from '../edge/addresses.ts';
import type { Cors } from '../edge/cors.ts';
import { parseJson, validate } from '../edge/validate.ts';
import { refusalOf } from '../sockets/connection.ts';
import { readBody, readHeaders, readText } from './body.ts';

export type Method = 'get' | 'post' | 'put' | 'del';

/** A request, read whole before anything waits: uWebSockets.js takes its own back then. */
export interface Request {
  /** The values of the path's `:parameters`, in their order. */
  parameters: string[];
  query: URLSearchParams;
  headers: Map<string, string>;
  /** Of the client, as limits count it. */
  address: string;
  /** Reads and checks the body. @throws Refusal */
  body<Schema extends v.GenericSchema>(schema: Schema): Promise<v.InferOutput<Schema>>;
}

export interface Response {
  status: number;
  /** Sent as JSON; a string is JSON already. */
  body: unknown;
  headers?: Record<string, string>;
}

export type Handler = (request: Request) => Response | Promise<Response>;

/** What stands between the network and every handler. */
export interface EdgeContext {
  addressOf: AddressOf;
  cors: Cors;
  /** CappedCounts a request. @throws Refusal `rate_limited` */
  admit: (address: string) => Promise<void>;
  log: Log;
}

/** For what is asked by machines that watch, and by browsers before they ask. */
export function withoutLimit(edge: EdgeContext): EdgeContext {
  return { ...edge, admit: async () => undefined };
}

const ALLOWED: Record<Method, string> = { get: 'GET', post: 'POST', put: 'PUT', del: 'DELETE' };

/** Registers a path with all its methods, with or without a slash at its end. */
export function route(
  app: TemplatedApp,
  path: string,
  handlers: Partial<Record<Method, Handler>>,
  edge: EdgeContext,
): void {
  const allow = Object.keys(handlers).map((method) => ALLOWED[method as Method]);
  const notAllowed: Handler = () => refuse(new Refusal('method_not_allowed'), { Allow: allow.join(', ') });
  for (const form of [path, `${path}/`]) {
    // Every method, so that none is taken by another path with a parameter in this place.
    for (const method of Object.keys(ALLOWED) as Method[]) {
      const handler = handlers[method] ?? notAllowed;
      app[method](form, (res, req) => serve(res, req, form, handler, edge));
    }
    app.any(form, (res, req) => serve(res, req, form, notAllowed, edge));
  }
}

/** Answers every path that has no route, and what browsers ask beforehand. */
export function routeOthers(app: TemplatedApp, edge: EdgeContext): void {
  const notFound: Handler = () => refuse(new Refusal('no_such_route'));
  const preflight: Handler = () => ({ status: 204, body: '', headers: edge.cors.preflight });
  app.options('/*', (res, req) => serve(res, req, '', preflight, withoutLimit(edge)));
  app.any('/*', (res, req) => serve(res, req, '', notFound, edge));
}

/** The answer to a failure: a refusal as it is, anything else as `internal`. */
export function answerTo(error: unknown, log: Log): Response {
  return refuse(refusalOf(error, log));
}

function refuse({ code, message, retryAfter }: Refusal, more: Record<string, string> = {}): Response {
  const headers = { ...more, ...(retryAfter !== undefined && { 'Retry-After': `${retryAfter}` }) };
  return { status: errors[code].status, body: { error: message, code }, headers };
}

/** Writes an answer; nothing if the client has gone. */
export function answer(res: HttpResponse, { status, body, headers = {} }: Response, close = false): void {
  if (res.aborted) return;
  res.cork(() => {
    res.writeStatus(`${status} ${STATUS_CODES[status]}`);
    if (body !== '') res.writeHeader('Content-Type', 'application/json; charset=utf-8');
    for (const [name, value] of Object.entries(headers)) res.writeHeader(name, value);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    // After an answer without a body this version takes no further request on the connection.
    if (res.isHead) res.endWithoutBody(Buffer.byteLength(text), true);
    else res.end(text, close);
  });
}

let open = 0;

/** Requests that are not answered yet. */
export const openRequests = () => open;

async function serve(
  res: HttpResponse,
  req: HttpRequest,
  path: string,
  handler: Handler,
  { addressOf, cors, admit, log }: EdgeContext,
): Promise<void> {
  open++;
  res.onAborted(() => {
    res.aborted = true;
  });
  res.isHead = req.getMethod() === 'head';
  const edge = cors.headers(req.getHeader('origin'));
  const reply = ({ headers, ...response }: Response, close = false) =>
    answer(res, { ...response, headers: { ...edge, ...headers } }, close);
  try {
    const headers = readHeaders(req);
    const parameters = (path.match(/:\w+/g) ?? []).map((_, index) => decode(req.getParameter(index) ?? ''));
    const query = new URLSearchParams(req.getQuery() ?? '');
    const address = addressOf(res.getRemoteAddress(), headers.get('x-forwarded-for'));
    const bytes = readBody(res, headers);
    // A handler that does not ask for the body does not hear that it was bad.
    bytes.catch(() => undefined);
    const body: Request['body'] = async (schema) => validate(schema, parseJson(readText(await bytes, headers)));
    await admit(address);
    reply(await handler({ parameters, query, headers, address, body }));
  } catch (error) {
    // What follows such a request on its connection may be the rest of it.
    const close = error instanceof Refusal && (error.code === 'bad_request' || error.code === 'body_too_large');
    reply(answerTo(error, log), close);
  } finally {
    open--;
  }
}

/** @throws Refusal `bad_request` */
function decode(parameter: string): string {
  try {
    return decodeURIComponent(parameter);
  } catch (error) {
    throw new Refusal('bad_request', { cause: error });
  }
}
