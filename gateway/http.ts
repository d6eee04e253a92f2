import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { isUtf8 } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import type * as v from 'valibot';
import { errors, Refusal } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import { parseJson, validate } from './validate.ts';

const MOST_BODY_BYTES = 16 * 1024;

export type Method = 'get' | 'post' | 'put' | 'del';

/** A request, read whole before anything waits: uWebSockets.js takes its own back then. */
export interface Request {
  /** The values of the path's `:parameters`, in their order. */
  parameters: string[];
  query: URLSearchParams;
  headers: Map<string, string>;
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

const ALLOWED: Record<Method, string> = { get: 'GET', post: 'POST', put: 'PUT', del: 'DELETE' };

/** Registers a path with all its methods, with or without a slash at its end. */
export function route(app: TemplatedApp, path: string, handlers: Partial<Record<Method, Handler>>, log: Log): void {
  const allow = Object.keys(handlers).map((method) => ALLOWED[method as Method]);
  const notAllowed: Handler = () => refuse(new Refusal('method_not_allowed'), { Allow: allow.join(', ') });
  for (const form of [path, `${path}/`]) {
    for (const [method, handler] of Object.entries(handlers)) {
      app[method as Method](form, (res, req) => serve(res, req, form, handler, log));
    }
    app.any(form, (res, req) => serve(res, req, form, notAllowed, log));
  }
}

/** Answers every path that has no route. */
export function routeOthers(app: TemplatedApp, log: Log): void {
  const notFound: Handler = () => refuse(new Refusal('no_such_route'));
  app.any('/*', (res, req) => serve(res, req, '', notFound, log));
}

/** The answer to a failure: a refusal as it is, anything else as `internal`, logged. */
export function answerTo(error: unknown, log: Log): Response {
  if (error instanceof Refusal) return refuse(error);
  log.error({ error }, 'a request failed');
  return refuse(new Refusal('internal'));
}

function refuse({ code, message }: Refusal, more: Record<string, string> = {}): Response {
  const { status } = errors[code];
  const headers = { ...more, ...(status === 503 && { 'Retry-After': '1' }) };
  return { status, body: { error: message, code }, headers };
}

/** Writes an answer; nothing if the client has gone. */
export function answer(res: HttpResponse, { status, body, headers = {} }: Response, close = false): void {
  if (res.aborted) return;
  res.cork(() => {
    res.writeStatus(`${status} ${STATUS_CODES[status]}`);
    res.writeHeader('Content-Type', 'application/json; charset=utf-8');
    for (const [name, value] of Object.entries(headers)) res.writeHeader(name, value);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    // After an answer without a body this version takes no further request on the connection.
    if (res.isHead) res.endWithoutBody(Buffer.byteLength(text), true);
    else res.end(text, close);
  });
}

async function serve(res: HttpResponse, req: HttpRequest, path: string, handler: Handler, log: Log): Promise<void> {
  res.onAborted(() => {
    res.aborted = true;
  });
  res.isHead = req.getMethod() === 'head';
  try {
    const headers = readHeaders(req);
    const parameters = (path.match(/:\w+/g) ?? []).map((_, index) => req.getParameter(index) ?? '');
    const query = new URLSearchParams(req.getQuery() ?? '');
    const bytes = readBody(res, headers);
    // A handler that does not ask for the body does not hear that it was bad.
    bytes.catch(() => undefined);
    const body: Request['body'] = async (schema) => validate(schema, parseJson(readText(await bytes, headers)));
    answer(res, await handler({ parameters, query, headers, body }));
  } catch (error) {
    // What follows such a request on its connection may be the rest of it.
    const close = error instanceof Refusal && (error.code === 'bad_request' || error.code === 'body_too_large');
    answer(res, answerTo(error, log), close);
  }
}

/** @throws Refusal `bad_request` where the length of the body is said twice: two readers could read two requests */
function readHeaders(req: HttpRequest): Map<string, string> {
  const headers = new Map<string, string>();
  let lengths = 0;
  req.forEach((name, value) => {
    headers.set(name, value);
    if (name === 'content-length' || name === 'transfer-encoding') lengths++;
  });
  const encoding = headers.get('transfer-encoding');
  if (lengths > 1 || (encoding !== undefined && encoding.toLowerCase() !== 'chunked')) throw new Refusal('bad_request');
  return headers;
}

function readBody(res: HttpResponse, headers: Map<string, string>): Promise<Buffer> {
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

function readText(bytes: Buffer, headers: Map<string, string>): string {
  if (!/^application\/json\s*(;|$)/i.test(headers.get('content-type') ?? '')) throw new Refusal('json_only');
  if (!isUtf8(bytes)) throw new Refusal('bad_json');
  return bytes.toString('utf8');
}
