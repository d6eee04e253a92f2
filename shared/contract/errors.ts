import * as v from 'valibot';

/**
 * What a client does with a refused command or request.
 * - `no`: it does not send it again. The refusal is final.
 * - `same_ref`: after `retryAfter`, it sends the same again, with the same `ref`. It has one effect, even if an earlier
 *   sending was applied.
 * - `new_ref`: the `ref` belongs to another command. With a new `ref`, it may send it again.
 * - `after_login`: it gets a new token (or ticket). Then it sends the same again, with the same `ref`.
 */
const retries = ['no', 'same_ref', 'new_ref', 'after_login'] as const;
type Retry = (typeof retries)[number];

/** Every error code that the server can return. The code is for programs and never changes. The text is for people. */
export const errors = {
  bad_json: { status: 400, retry: 'no', text: 'this is not a JSON object in UTF-8' },
  bad_frame: { status: 400, retry: 'no', text: 'a frame must be text, not binary' },
  unknown_command: { status: 400, retry: 'no', text: 'there is no such command' },
  missing_field: { status: 400, retry: 'no', text: 'this field is missing' },
  invalid_field: { status: 400, retry: 'no', text: 'this field has the wrong type or form' },
  too_short: { status: 400, retry: 'no', text: 'this field is too short' },
  too_long: { status: 400, retry: 'no', text: 'this field is too long' },
  resume_missing: { status: 400, retry: 'no', text: 'the last Resume frame did not come in time' },
  bad_request: { status: 400, retry: 'no', text: 'this is not a valid HTTP request' },
  no_token: { status: 401, retry: 'after_login', text: 'a bearer token is needed' },
  bad_token: { status: 401, retry: 'after_login', text: 'this token is not valid' },
  token_expired: { status: 401, retry: 'after_login', text: 'this token has expired' },
  token_revoked: { status: 401, retry: 'after_login', text: 'this token was ended by a logout' },
  query_token_off: {
    status: 401,
    retry: 'no',
    text: 'a token in the URL is refused here, because WS_QUERY_TOKEN is not true',
  },
  bad_ticket: {
    status: 401,
    retry: 'after_login',
    text: 'this ticket is not valid: a ticket works once, within 30 seconds',
  },
  wrong_otp: { status: 401, retry: 'no', text: 'this one-time password is wrong, used or expired' },
  wrong_credentials: { status: 401, retry: 'no', text: 'the e-mail or the password is wrong' },
  not_allowed: { status: 403, retry: 'no', text: 'this e-mail is not on the allow-list' },
  email_unproven: { status: 403, retry: 'no', text: 'first prove this e-mail address with a one-time password' },
  admin_only: { status: 403, retry: 'no', text: 'only admins may do this' },
  origin_not_allowed: { status: 403, retry: 'no', text: 'pages of this origin are not allowed to connect' },
  not_a_member: { status: 403, retry: 'no', text: 'you are not a member of this room' },
  read_only_room: { status: 403, retry: 'no', text: 'only admins and the owner may write in this room' },
  author_only: { status: 403, retry: 'no', text: 'only the author may change a message' },
  owner_only: { status: 403, retry: 'no', text: 'only the owner of the room may do this' },
  everyones_room: { status: 403, retry: 'no', text: 'everyone is in this room: nobody can change it or its members' },
  no_such_route: { status: 404, retry: 'no', text: 'there is no such route' },
  no_such_room: { status: 404, retry: 'no', text: 'there is no such room' },
  no_such_user: { status: 404, retry: 'no', text: 'there is no such user' },
  no_such_message: { status: 404, retry: 'no', text: 'there is no such message' },
  method_not_allowed: { status: 405, retry: 'no', text: 'this route has no such method' },
  email_taken: { status: 409, retry: 'no', text: 'an account with this e-mail exists' },
  already_in_room: { status: 409, retry: 'no', text: 'this user is already in the room' },
  user_not_in_room: { status: 409, retry: 'no', text: 'this user is not in the room' },
  too_many_owned_rooms: {
    status: 409,
    retry: 'no',
    text: 'you own as many rooms as a user may own: first delete one of them',
  },
  too_many_rooms: {
    status: 409,
    retry: 'no',
    text: 'this user is in as many rooms as a user may be in: first leave one of them',
  },
  too_many_edits: { status: 409, retry: 'no', text: 'this message was edited as often as a message may be edited' },
  owner_stays: { status: 409, retry: 'no', text: 'the owner cannot be removed from the room' },
  everyones_role: { status: 409, retry: 'no', text: 'every user has this role: it cannot be taken away' },
  last_admin: { status: 409, retry: 'no', text: 'the last admin cannot lose this role' },
  not_editable: { status: 409, retry: 'no', text: 'only a message that a user wrote can be changed or deleted' },
  ref_reused: {
    status: 409,
    retry: 'new_ref',
    text: 'this ref (Idempotency-Key) was already used for another command',
  },
  not_resuming: { status: 409, retry: 'no', text: 'this socket was not opened with ?resume=true and rooms.v1' },
  body_too_large: { status: 413, retry: 'no', text: 'the body is too large' },
  json_only: { status: 415, retry: 'no', text: 'the body must be application/json' },
  upgrade_needed: { status: 426, retry: 'no', text: 'this route is for WebSockets' },
  rate_limited: { status: 429, retry: 'same_ref', text: 'too many requests: wait and try again' },
  too_many_reads: { status: 429, retry: 'same_ref', text: 'too many requests of this user wait for an answer' },
  too_many_sockets: { status: 429, retry: 'same_ref', text: 'too many sockets are open' },
  internal: { status: 500, retry: 'same_ref', text: 'the server failed' },
  busy: { status: 503, retry: 'same_ref', text: 'the server has too much to do: try again soon' },
  expired: { status: 503, retry: 'same_ref', text: 'this was not done in time, and it will not be done' },
  unknown_outcome: {
    status: 503,
    retry: 'same_ref',
    text: 'it is not known if this was done: send the command with the same ref again, or read the account that it changes',
  },
  unavailable: {
    status: 503,
    retry: 'same_ref',
    text: 'a service that the server needs does not answer: try again soon',
  },
} as const satisfies Record<string, { status: number; retry: Retry; text: string }>;

export type ErrorCode = keyof typeof errors;

const errorCodes = Object.keys(errors) as ErrorCode[];

export const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && code in errors;

/** The body of the HTTP answer to every refused request. */
export const ErrorAnswer = v.object({
  error: v.string(),
  code: v.picklist(errorCodes),
  retry: v.picklist(retries),
  /** The field of the input that is wrong, such as `firstName`. */
  field: v.optional(v.string()),
  /** The minimum or maximum that the field breaks, such as 3 for `too_short`. */
  bound: v.optional(v.number()),
});
export type ErrorAnswer = v.InferOutput<typeof ErrorAnswer>;

export interface RefusalOptions extends ErrorOptions {
  /** Replaces the text of the code. It never contains a value that the client sent. */
  text?: string | undefined;
  /** Seconds after which a retry may succeed. The default for a code with status 503 is 1. */
  retryAfter?: number | undefined;
  field?: string | undefined;
  bound?: number | undefined;
}

/** An expected refusal. The gateway turns it into an HTTP answer or an `Error` frame. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly retryAfter: number | undefined;
  readonly field: string | undefined;
  readonly bound: number | undefined;

  constructor(code: ErrorCode, { text, retryAfter, field, bound, ...options }: RefusalOptions = {}) {
    // A refusal is an answer, so nobody reads its stack. A stack costs ten times as much as all the rest of a refusal.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(text ?? errors[code].text, options);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'Refusal';
    this.code = code;
    this.retryAfter = retryAfter ?? (errors[code].status === 503 ? 1 : undefined);
    this.field = field;
    this.bound = bound;
  }

  get status(): number {
    return errors[this.code].status;
  }

  toAnswer(): ErrorAnswer {
    const { message: error, code, field, bound } = this;
    const { retry } = errors[code];
    return { error, code, retry, ...(field !== undefined && { field }), ...(bound !== undefined && { bound }) };
  }
}

/** Why the server closed a socket. The range of the code says what the client does next. */
export const closeCodes = {
  /** 4000-4099: reconnect now. */
  going_away: 4000,
  /** 4000-4099: reconnect now, and load everything again: the stored messages of the client may be wrong. */
  reload: 4001,
  /** 4100-4199: reconnect after a few seconds. */
  unavailable: 4100,
  /** 4100-4199: reconnect after the `retryAfter` of the last `Error` frame. The reason is an {@link ErrorCode}. */
  too_many: 4129,
  /** 4400-4499: do not reconnect before the client is corrected. The reason is an {@link ErrorCode}. */
  protocol: 4400,
  /** 4400-4499: do not reconnect before the cause is fixed. The first word of the reason is an {@link ErrorCode}. */
  unauthorized: 4401,
} as const;
