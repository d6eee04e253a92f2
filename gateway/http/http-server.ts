import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import * as v from 'valibot';
import { Ref } from '../../shared/contract/commands.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import { joinHeaderLines } from '../edge/header-lines.ts';
import { rateHeaders, type ShownRate } from '../edge/rate-headers.ts';
import { toRefusal } from '../edge/refusals.ts';
import { parseJson, validate } from '../edge/validate.ts';
import { checkSession } from './authenticate.ts';
import { readText } from './body.ts';
import {
  type Answer,
  closesConnection,
  parameterNamesOf,
  type RawRequest,
  readRequest,
  refusalAnswer,
  writeAnswer,
} from './exchange.ts';
import { BodyWithHeaders, callersOf, type Method, type Route } from './route.ts';
import { ServedFile } from './served-file.ts';

const CommandHeaders = v.object({ 'Idempotency-Key': v.optional(Ref) });

/** For each HTTP method: the function of a uWebSockets.js app that adds a route. */
const APP_METHODS = { GET: 'get', POST: 'post', PUT: 'put', DELETE: 'del' } as const;

/** Makes the answer to one request. May throw a Refusal. Any other error is answered as `internal`. */
type Responder = (request: RawRequest) => Promise<Answer> | Answer;

const BUSY = new Refusal('busy');

interface Endpoint {
  responder: Responder;
  /** The `:parameters` of the path. */
  parameterNames: string[];
  /** True for health probes: they get an answer also if too many requests have none. */
  skipsLimits: boolean;
}

/** Answers the HTTP requests of one gateway, as the route table says. */
export class HttpServer {
  readonly #app: TemplatedApp;
  readonly #gateway: GatewayContext;
  #pending = 0;

  constructor(app: TemplatedApp, gateway: GatewayContext) {
    this.#app = app;
    this.#gateway = gateway;
  }

  /** The number of requests that have no answer yet. */
  get pending(): number {
    return this.#pending;
  }

  /** Adds every row to the app, with and without a slash at the end of the path. Also answers all other requests. */
  register(routes: readonly Route[]): void {
    for (const [path, rows] of Map.groupBy(routes, (row) => row.path)) {
      for (const form of formsOf(path)) this.#registerPath(form, rows);
    }
    const preflight: Responder = () => ({ status: 204, body: '', headers: this.#gateway.cors.preflight });
    const ofAnyPath = { parameterNames: [], skipsLimits: false };
    this.#app.options('/*', (res, req) => this.#serve(res, req, { ...ofAnyPath, responder: preflight }));
    const noSuchRoute = this.#withRateLimit(noSuchRouteResponder());
    this.#app.any('/*', (res, req) => this.#serve(res, req, { ...ofAnyPath, responder: noSuchRoute }));
  }

  #registerPath(path: string, rows: Route[]): void {
    const refuse = notAllowedResponder(rows.map(({ method }) => method));
    const skipsLimits = rows.every((row) => row.skipsRateLimit);
    const parameterNames = parameterNamesOf(path);
    const notAllowed = { responder: skipsLimits ? refuse : this.#withRateLimit(refuse), parameterNames, skipsLimits };
    // Adds a handler for each of the four methods. `any` alone is not enough: uWebSockets.js tries it last, so `GET
    // /api/users/update` would match `GET /api/users/:id`.
    for (const [method, appMethod] of Object.entries(APP_METHODS)) {
      const row = rows.find((each) => each.method === method);
      const endpoint = row ? { ...notAllowed, responder: this.#responderOf(row) } : notAllowed;
      this.#app[appMethod](path, (res, req) => this.#serve(res, req, endpoint));
    }
    this.#app.any(path, (res, req) => this.#serve(res, req, notAllowed));
  }

  #responderOf(row: Route): Responder {
    const responder: Responder = async (request) => {
      const result = await row.handler(this.#gateway, await readInput(this.#gateway, row, request));
      const { body, headers } = result instanceof BodyWithHeaders ? result : { body: result, headers: '' };
      return { status: row.status ?? 200, body, headers };
    };
    return row.skipsRateLimit ? responder : this.#withRateLimit(responder);
  }

  /** Counts each request against `RATE_LIMIT` before the responder does any work. */
  #withRateLimit(responder: Responder): Responder {
    const { rateLimits } = this.#gateway;
    return (request) => {
      const counting = rateLimits.countRequest(request.address, request.rate);
      return counting ? counting.then(() => responder(request)) : responder(request);
    };
  }

  async #serve(res: HttpResponse, req: HttpRequest, endpoint: Endpoint): Promise<void> {
    const { cors, addressOf, connections, log } = this.#gateway;
    this.#pending++;
    connections.handleRequest(res);
    res.isHead = req.getMethod() === 'head';
    const corsHeaders = cors.headers(req.getHeader('origin'));
    const rate: ShownRate = {};
    const write = (answer: Answer, close = false) => {
      const ofBody = answer.body instanceof ServedFile ? answer.body.headers(corsHeaders) : corsHeaders;
      const limited = joinHeaderLines(ofBody, rateHeaders(rate));
      const ends = close || connections.isCrowded || this.#gateway.isStopping;
      writeAnswer(res, { ...answer, headers: joinHeaderLines(limited, answer.headers ?? '') }, ends);
    };
    try {
      const { parameterNames, responder, skipsLimits } = endpoint;
      // The body is not read, so the bodies of waiting requests have a bound. The rest of the connection is the body.
      if (!skipsLimits && this.#pending > limits.MAX_PENDING_REQUESTS) return write(refusalAnswer(BUSY), true);
      write(await responder(readRequest(res, req, { parameterNames, addressOf, rate })));
    } catch (error) {
      const refusal = toRefusal(error, log);
      write(refusalAnswer(refusal), closesConnection(refusal));
    } finally {
      this.#pending--;
    }
  }
}

/** @returns the path without and with a slash at its end */
export function formsOf(path: string): string[] {
  return path === '/' ? [path] : [path, `${path}/`];
}

function noSuchRouteResponder(): Responder {
  return () => refusalAnswer(new Refusal('no_such_route'));
}

function notAllowedResponder(methods: Method[]): Responder {
  return () => refusalAnswer(new Refusal('method_not_allowed'), `Allow: ${methods.join(', ')}`);
}

/**
 * Checks the token first, so a caller without a valid token gets no error about the parameters or the body. A row with
 * `checksToken` checks the token later, together with its read, except if the input is refused before that.
 */
async function readInput(
  gateway: GatewayContext,
  row: Route,
  request: RawRequest,
): Promise<Parameters<Route['handler']>[1]> {
  const { headers, address, rate } = request;
  const bearer = callersOf(row) === 'open' ? undefined : gateway.tokens.verify(headers.get('authorization'));
  if (bearer && !row.checksToken) await checkSession(gateway, bearer, row);
  try {
    const input = { headers, address, rate, userId: bearer?.userId, bearer, ...(await parseInput(row, request)) };
    // `bearer` and `userId` are undefined only for `open` rows. The handlers of these rows get an `OpenRequest`.
    return input as Parameters<Route['handler']>[1];
  } catch (error) {
    if (bearer && row.checksToken) await checkSession(gateway, bearer, row);
    throw error;
  }
}

async function parseInput(row: Route, request: RawRequest) {
  const parameters = row.parameters && validate(row.parameters, decodeAll(request.parameters));
  const query = row.query && validate(row.query, request.query);
  const body = row.body && validate(row.body, parseJson(readText(await request.bytes, request.headers)));
  const ref = row.submits === 'room command' ? readRef(request.headers) : undefined;
  return { parameters, query, body, ref };
}

function readRef(headers: Map<string, string>): string | undefined {
  return validate(CommandHeaders, { 'Idempotency-Key': headers.get('idempotency-key') })['Idempotency-Key'];
}

/** @throws Refusal `bad_request` */
function decodeAll(parameters: Record<string, string>): Record<string, string> {
  try {
    for (const name in parameters) parameters[name] = decodeURIComponent(parameters[name] as string);
    return parameters;
  } catch (error) {
    throw new Refusal('bad_request', { cause: error });
  }
}
