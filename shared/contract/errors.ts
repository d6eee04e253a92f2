/** The contract for refusals: the code is for programs and never changes, the text is for people. */
export const errors = {
  bad_json: { status: 400, text: 'this is not a JSON object in UTF-8' },
  bad_frame: { status: 400, text: 'a frame is text, not binary' },
  unknown_command: { status: 400, text: 'there is no such command' },
  unknown_field: { status: 400, text: 'there is a field that does not belong here' },
  missing_field: { status: 400, text: 'a field is missing' },
  invalid_field: { status: 400, text: 'a field has the wrong type or form' },
  too_short: { status: 400, text: 'a field is too short' },
  too_long: { status: 400, text: 'a field is too long' },
  bad_request: { status: 400, text: 'this request cannot be understood' },
  no_token: { status: 401, text: 'a bearer token is needed' },
  bad_token: { status: 401, text: 'this token is not valid' },
  token_expired: { status: 401, text: 'this token has expired' },
  token_revoked: { status: 401, text: 'this token was ended by a logout' },
  bad_ticket: { status: 401, text: 'this ticket is not valid: it is good once, for 30 seconds' },
  wrong_otp: { status: 401, text: 'this one-time password is wrong, used or too old' },
  wrong_credentials: { status: 401, text: 'e-mail or password is wrong' },
  not_allowed: { status: 403, text: 'only e-mails on the list may register' },
  email_unproven: { status: 403, text: 'this needs a one-time password that was sent to this e-mail' },
  admin_only: { status: 403, text: 'only admins may do this' },
  origin_not_allowed: { status: 403, text: 'pages of this origin may not connect' },
  not_a_member: { status: 403, text: 'you are not a member of this room' },
  read_only_room: { status: 403, text: 'only admins and the owner write in this room' },
  author_only: { status: 403, text: 'only its author may change a message' },
  owner_only: { status: 403, text: 'only the owner of the room may do this' },
  everyones_room: { status: 403, text: 'this room is for everyone: nobody changes it, or who is in it' },
  no_such_route: { status: 404, text: 'there is no such route' },
  no_such_room: { status: 404, text: 'there is no such room' },
  no_such_user: { status: 404, text: 'there is no such user' },
  no_such_message: { status: 404, text: 'there is no such message' },
  method_not_allowed: { status: 405, text: 'this route has no such method' },
  email_taken: { status: 409, text: 'there is an account with this e-mail' },
  already_in_room: { status: 409, text: 'this user is in the room already' },
  user_not_in_room: { status: 409, text: 'this user is not in the room' },
  owner_stays: { status: 409, text: 'the owner of a room cannot be removed from it' },
  everyones_role: { status: 409, text: 'everyone has this role' },
  last_admin: { status: 409, text: 'this is the last admin' },
  not_editable: { status: 409, text: 'only what was said can be changed' },
  ref_reused: { status: 409, text: 'this ref was used for another command' },
  body_too_large: { status: 413, text: 'the body is too large' },
  json_only: { status: 415, text: 'the body must be application/json' },
  upgrade_needed: { status: 426, text: 'this route is for WebSockets' },
  rate_limited: { status: 429, text: 'too often, wait a while' },
  too_many_sockets: { status: 429, text: 'too many sockets are open' },
  internal: { status: 500, text: 'something went wrong here' },
  busy: { status: 503, text: 'too much to do just now, try again soon' },
  expired: { status: 503, text: 'this could not be done in time and will not be done' },
  unknown_outcome: { status: 503, text: 'no answer in time: it may be done; with a ref, send it again to find out' },
  unavailable: { status: 503, text: 'a service that this needs is away, try again soon' },
} as const;

export type ErrorCode = keyof typeof errors;

export const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && code in errors;

export interface RefusalOptions extends ErrorOptions {
  /** Seconds after which it may go better. */
  retryAfter?: number;
}

/** An expected refusal on its way to the border, where it becomes `{error, code}`. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly retryAfter: number | undefined;

  /** @param detail for people, in place of the code's own text; never holds a value that the client sent */
  constructor(code: ErrorCode, detail?: string, { retryAfter, ...options }: RefusalOptions = {}) {
    super(detail ?? errors[code].text, options);
    this.name = 'Refusal';
    this.code = code;
    this.retryAfter = retryAfter ?? (errors[code].status === 503 ? 1 : undefined);
  }
}

/** Why the server closed a socket, and by the hundred what a client does about it. */
export const closeCodes = {
  /** 4000-4099: reconnect now. */
  going_away: 4000,
  /** 4100-4199: reconnect after a few seconds. */
  unavailable: 4100,
  /** The same; the reason is an {@link ErrorCode}, the `Error` frame before it says how many seconds. */
  too_many: 4129,
  /** 4400-4499: do not reconnect before something is mended; the reason is an {@link ErrorCode}. */
  unauthorized: 4401,
} as const;
