import * as v from 'valibot';
import type { ErrorCode } from '../../shared/contract/errors.ts';
import { FileParameter } from '../../shared/contract/requests.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import type { HeaderLines } from '../edge/header-lines.ts';
import type { ShownRate } from '../edge/rate-headers.ts';
import type { ServedFile } from './served-file.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Who may call a route. `open`: everyone, without a token. `user`: a user with a valid token. `admin`: only admins. */
export type Callers = 'open' | 'user' | 'admin';

type Schema = v.GenericSchema | undefined;
type Output<S extends Schema> = S extends v.GenericSchema ? v.InferOutput<S> : undefined;

/** The part of a request that every handler gets. */
export interface OpenRequest {
  headers: Map<string, string>;
  /** The IP address of the client, as limits count it (edge/addresses.ts). */
  address: string;
  /** What the headers of the answer show about limits. */
  rate: ShownRate;
}

/** The part of a request that the handler of a route with a token gets. */
export interface UserRequest extends OpenRequest {
  /** The user of the token. */
  userId: string;
  bearer: Bearer;
}

/** The part of a request that the handler of a room command gets. */
export interface CommandRequest extends UserRequest {
  /** The header `Idempotency-Key`. */
  ref: string | undefined;
}

interface Input<P extends Schema, Q extends Schema, B extends Schema> {
  parameters: Output<P>;
  query: Output<Q>;
  body: Output<B>;
}

interface RouteBasics<P extends Schema, Q extends Schema, B extends Schema> {
  /** The schema of the `:parameters` of the path. */
  parameters?: P;
  query?: Q;
  body?: B;
  /** True if requests do not count against `RATE_LIMIT`, because health probes send them. */
  skipsRateLimit?: true;
  /**
   * True if the handler reads in its own statement whether a logout ended the token, and throws `token_revoked` then.
   * For all other rows, the server reads this before it calls the handler.
   */
  checksToken?: true;
  /** The content types of a success whose body is a {@link ServedFile}. Undefined if the body is JSON. */
  file?: string[];
  /** The HTTP status of a success. The default is 200. */
  status?: number;
  /** The schema of the body of a success. */
  answer: v.GenericSchema;
  /** The error codes of this route only. {@link errorsOf} adds the codes that all similar routes have. */
  errors?: ErrorCode[];
}

/** The body of an answer: a {@link ServedFile}, or encoded as JSON later. A string or a Buffer is already JSON. */
type Body = ServedFile | unknown;

/** A body with headers of its own. */
export class BodyWithHeaders {
  readonly body: Body;
  readonly headers: HeaderLines;

  constructor(body: Body, headers: HeaderLines) {
    this.body = body;
    this.headers = headers;
  }
}

/** Returns the body of a success (also a {@link BodyWithHeaders}), or throws a Refusal. */
type Handler<Request> = (gateway: GatewayContext, request: Request) => Body | Promise<Body>;

/** What a route submits to the workers. A route with a room command accepts the header `Idempotency-Key`. */
type Submits = 'room command' | 'account change';

/**
 * What a row of the route table says about its route. A row without `callers` requires a token. A row whose handler takes
 * a {@link CommandRequest} must have `submits: 'room command'`.
 */
type Row<P extends Schema, Q extends Schema, B extends Schema> = RouteBasics<P, Q, B> &
  (
    | { callers: 'open'; submits?: 'account change'; handler: Handler<OpenRequest & Input<P, Q, B>> }
    | { callers?: 'user' | 'admin'; submits?: 'account change'; handler: Handler<UserRequest & Input<P, Q, B>> }
    | { callers?: 'user' | 'admin'; submits: 'room command'; handler: Handler<CommandRequest & Input<P, Q, B>> }
  );

/** A row as the router uses it. */
export interface Route extends RouteBasics<Schema, Schema, Schema> {
  method: Method;
  path: string;
  callers?: Callers;
  submits?: Submits;
  handler: Handler<CommandRequest & Input<Schema, Schema, Schema>>;
}

/** Makes a row. The compiler checks that its handler fits its schemas. */
export function route<P extends Schema = undefined, Q extends Schema = undefined, B extends Schema = undefined>(
  method: Method,
  path: string,
  row: Row<P, Q, B>,
): Route {
  return { method, path, ...row } as Route;
}

/** Makes a row that anyone may call, and whose answer is a file of one of these content types. */
export function fileRoute(
  path: string,
  file: string[],
  handler: Handler<OpenRequest & { parameters: v.InferOutput<typeof FileParameter> }>,
): Route {
  const parameters = path.endsWith('/:file') ? { parameters: FileParameter } : {};
  const row = { callers: 'open', ...parameters, file, answer: v.never(), errors: ['no_such_route'], handler };
  return { method: 'GET', path, ...row } as Route;
}

export function callersOf(row: Pick<Route, 'callers'>): Callers {
  return row.callers ?? 'user';
}

/** Returns every error code that an answer of this route can have. */
export function errorsOf(row: Route): ErrorCode[] {
  const codes: ErrorCode[] = ['bad_request', 'body_too_large', 'internal', ...(row.errors ?? [])];
  if (!row.skipsRateLimit) codes.push('rate_limited', 'busy');
  if (row.parameters || row.query || row.body) {
    codes.push('invalid_field', 'missing_field', 'too_short', 'too_long');
  }
  if (row.body) codes.push('json_only', 'bad_json');
  if (callersOf(row) !== 'open') codes.push('no_token', 'bad_token', 'token_expired', 'token_revoked', 'unavailable');
  if (callersOf(row) !== 'open' && row.method === 'GET') codes.push('too_many_reads');
  if (callersOf(row) === 'admin') codes.push('admin_only');
  if (row.submits) codes.push('expired', 'unknown_outcome', 'unavailable');
  if (row.submits === 'room command') codes.push('ref_reused');
  return [...new Set(codes)];
}
