import { type CommandName, commandNames } from '../../shared/contract/commands.ts';
import type { ErrorCode } from '../../shared/contract/errors.ts';
import type { OtherFrameName } from '../../shared/contract/frame-lists.ts';
import type { Route } from '../http/route.ts';
import { operations } from './operations.ts';

const ofFields = ['missing_field', 'invalid_field', 'too_long'] as const;

const ofCommands: ErrorCode[] = [
  ...ofFields,
  ...(['too_short', 'rate_limited', 'busy', 'expired', 'unknown_outcome', 'unavailable', 'internal'] as const),
  'ref_reused',
];

const ofOtherFrames: Record<OtherFrameName, ErrorCode[]> = {
  Resume: [...ofFields, 'not_resuming', 'rate_limited', 'busy', 'unavailable', 'internal'],
  MarkRead: [...ofFields, 'busy'],
  Watch: [...ofFields, 'busy'],
  Typing: [...ofFields],
};

/** The codes that no frame has alone: of frames that Rooms cannot read, and of sockets that it closes. */
const ofSockets: ErrorCode[] = [
  ...(['bad_json', 'bad_frame', 'unknown_command', 'resume_missing', 'too_many_sockets'] as const),
  ...(['no_token', 'bad_token', 'token_expired', 'token_revoked', 'bad_ticket', 'query_token_off'] as const),
];

/** Returns each code with which a gateway refuses this frame. A command has the codes of its route over HTTP too. */
export function frameErrors(name: CommandName | OtherFrameName, routes: readonly Route[]): ErrorCode[] {
  if (name in ofOtherFrames) return ofOtherFrames[name as OtherFrameName];
  return [...new Set([...(routeOf(name as CommandName, routes).errors ?? []), ...ofCommands])];
}

/** Returns each code that an `Error` frame can have. */
export function socketErrors(routes: readonly Route[]): ErrorCode[] {
  const names = [...commandNames, ...(Object.keys(ofOtherFrames) as OtherFrameName[])];
  return [...new Set([...ofSockets, ...names.flatMap((name) => frameErrors(name, routes))])];
}

/** The route `createMessage` has the command `CreateMessage`. @throws Error if there is none */
function routeOf(command: CommandName, routes: readonly Route[]): Route {
  const id = command.charAt(0).toLowerCase() + command.slice(1);
  const row = routes.find(({ method, path }) => operations[`${method} ${path}`]?.id === id);
  if (!row) throw new Error(`no route has the command ${command}`);
  return row;
}
