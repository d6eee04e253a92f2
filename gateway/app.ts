import uWS from 'uWebSockets.js';
import * as v from 'valibot';
import {
  confirmation,
  Events,
  MailedCode,
  Room,
  Settings,
  Status,
  Ticket,
  Token,
  User,
} from '../shared/contract/answers.ts';
import { limits } from '../shared/contract/limits.ts';
import { Message } from '../shared/contract/messages.ts';
import { ReadCounts } from '../shared/contract/read-marks.ts';
import {
  EmailParameter,
  EventsPage,
  FileParameter,
  HistoryPage,
  ListPage,
  Login,
  LoginWithOtp,
  MemberParameters,
  MessageParameter,
  NewReadMark,
  NewRoom,
  NewText,
  OtpMail,
  Registration,
  RegistrationWithOtp,
  RoleParameters,
  RoomParameter,
  RoomUpdate,
  SearchParameter,
  UserParameter,
  UserUpdate,
  UserUpdateWithOtp,
} from '../shared/contract/requests.ts';
import { openApi } from './docs/open-api.ts';
import { HTML, SCRIPT, STYLE } from './http/built-files.ts';
import { type Route, route } from './http/route.ts';
import { login, loginWithOtp, register, registerWithOtp, sendOtp } from './routes/account-routes.ts';
import { docsFile, JSON_FILE, listDocuments, servedDocument, showOpenApi } from './routes/docs-routes.ts';
import { clientLibrary, clientPeople, pageFile, pageOfRooms } from './routes/file-routes.ts';
import { healthy, ready } from './routes/health-routes.ts';
import { mailedCodes, settings } from './routes/mailed-code-routes.ts';
import { createMessage, deleteMessage, listEvents, listMessages, updateMessage } from './routes/message-routes.ts';
import {
  addUser,
  createRoom,
  deleteRoom,
  getRoom,
  listRooms,
  markRead,
  removeUser,
  updateRoom,
} from './routes/room-routes.ts';
import { createTicket, logOut, logOutAll } from './routes/token-routes.ts';
import {
  addRole,
  currentUser,
  getUser,
  listUsers,
  removeRole,
  searchUsers,
  updateUser,
  updateUserWithOtp,
} from './routes/user-routes.ts';
import type { SocketSettings } from './sockets/socket-server.ts';
import { upgradeNeeded } from './sockets/upgrade-needed.ts';

/**
 * Every route of a gateway. A row without `callers` requires a token. The HTTP server makes its routes and its 405
 * answers from this table. Tests compare the table with docs/api.md, and call each route as each kind of user.
 */
export const routes: readonly Route[] = [
  route('POST', '/api/users/send-otp', {
    callers: 'open',
    body: OtpMail,
    answer: confirmation('otp sent'),
    errors: ['no_token', 'bad_token', 'token_expired', 'token_revoked', 'unavailable'],
    handler: sendOtp,
  }),
  route('POST', '/api/users/register', {
    callers: 'open',
    submits: 'account change',
    body: Registration,
    status: 201,
    answer: User,
    errors: ['email_taken', 'not_allowed', 'email_unproven'],
    handler: register,
  }),
  route('POST', '/api/users/register-otp', {
    callers: 'open',
    submits: 'account change',
    body: RegistrationWithOtp,
    status: 201,
    answer: User,
    errors: ['wrong_otp', 'email_taken', 'not_allowed'],
    handler: registerWithOtp,
  }),
  route('POST', '/api/users/login', {
    callers: 'open',
    body: Login,
    answer: Token,
    errors: ['wrong_credentials', 'unavailable'],
    handler: login,
  }),
  route('POST', '/api/users/login-otp', {
    callers: 'open',
    body: LoginWithOtp,
    answer: Token,
    errors: ['wrong_credentials', 'wrong_otp', 'unavailable'],
    handler: loginWithOtp,
  }),
  route('POST', '/api/users/logout', {
    submits: 'account change',
    answer: confirmation('logged out'),
    handler: logOut,
  }),
  route('POST', '/api/users/logout-all', {
    submits: 'account change',
    answer: confirmation('logged out'),
    handler: logOutAll,
  }),
  route('GET', '/api/users', { query: ListPage, answer: v.array(User), handler: listUsers }),
  route('GET', '/api/users/all', { query: ListPage, answer: v.array(User), handler: listUsers }),
  route('GET', '/api/users/current', { answer: User, errors: ['no_such_user'], handler: currentUser }),
  route('PUT', '/api/users/update', {
    submits: 'account change',
    body: UserUpdate,
    answer: User,
    errors: ['email_unproven', 'email_taken', 'no_such_user'],
    handler: updateUser,
  }),
  route('PUT', '/api/users/update-otp', {
    submits: 'account change',
    body: UserUpdateWithOtp,
    answer: User,
    errors: ['wrong_otp', 'not_allowed', 'email_taken', 'no_such_user'],
    handler: updateUserWithOtp,
  }),
  route('GET', '/api/users/email/:email', { parameters: SearchParameter, answer: v.array(User), handler: searchUsers }),
  route('GET', '/api/users/:id', {
    parameters: UserParameter,
    answer: User,
    errors: ['no_such_user'],
    handler: getUser,
  }),
  route('POST', '/api/users/:id/roles/:role', {
    callers: 'admin',
    submits: 'account change',
    parameters: RoleParameters,
    answer: User,
    errors: ['no_such_user'],
    handler: addRole,
  }),
  route('DELETE', '/api/users/:id/roles/:role', {
    callers: 'admin',
    submits: 'account change',
    parameters: RoleParameters,
    answer: User,
    errors: ['no_such_user', 'everyones_role', 'last_admin'],
    handler: removeRole,
  }),
  route('GET', '/api/rooms', { query: ListPage, answer: v.array(Room), handler: listRooms }),
  route('POST', '/api/rooms', {
    submits: 'room command',
    body: NewRoom,
    status: 201,
    answer: Room,
    errors: ['too_many_owned_rooms', 'too_many_rooms'],
    handler: createRoom,
  }),
  route('GET', '/api/rooms/:id', {
    parameters: RoomParameter,
    answer: Room,
    errors: ['no_such_room'],
    handler: getRoom,
  }),
  route('PUT', '/api/rooms/:id', {
    submits: 'room command',
    parameters: RoomParameter,
    body: RoomUpdate,
    answer: Room,
    errors: ['no_such_room', 'owner_only', 'everyones_room'],
    handler: updateRoom,
  }),
  route('DELETE', '/api/rooms/:id', {
    submits: 'room command',
    parameters: RoomParameter,
    answer: confirmation('room deleted'),
    errors: ['no_such_room', 'owner_only', 'everyones_room'],
    handler: deleteRoom,
  }),
  route('POST', '/api/rooms/:room_id/users/:user_id', {
    submits: 'room command',
    parameters: MemberParameters,
    status: 201,
    answer: Message,
    errors: ['no_such_room', 'no_such_user', 'owner_only', 'everyones_room', 'already_in_room', 'too_many_rooms'],
    handler: addUser,
  }),
  route('DELETE', '/api/rooms/:room_id/users/:user_id', {
    submits: 'room command',
    parameters: MemberParameters,
    answer: Message,
    errors: ['no_such_room', 'no_such_user', 'owner_only', 'everyones_room', 'owner_stays', 'user_not_in_room'],
    handler: removeUser,
  }),
  route('PUT', '/api/rooms/:id/read', {
    submits: 'account change',
    parameters: RoomParameter,
    body: NewReadMark,
    answer: ReadCounts,
    errors: ['no_such_room', 'not_a_member'],
    handler: markRead,
  }),
  route('GET', '/api/rooms/:id/events', {
    parameters: RoomParameter,
    query: EventsPage,
    checksToken: true,
    answer: Events,
    errors: ['no_such_room'],
    handler: listEvents,
  }),
  // The Go server that Rooms replaces names this parameter `:room_id` for a room and `:id` for a message. Both names
  // match the same URLs, so here all four rows use :id.
  route('GET', '/api/messages/:id', {
    parameters: RoomParameter,
    query: HistoryPage,
    checksToken: true,
    answer: v.array(Message),
    errors: ['no_such_room'],
    handler: listMessages,
  }),
  route('POST', '/api/messages/:id', {
    submits: 'room command',
    parameters: RoomParameter,
    body: NewText,
    status: 201,
    answer: Message,
    errors: ['no_such_room', 'not_a_member', 'read_only_room'],
    handler: createMessage,
  }),
  route('PUT', '/api/messages/:id', {
    submits: 'room command',
    parameters: MessageParameter,
    body: NewText,
    answer: Message,
    errors: [
      'no_such_message',
      'no_such_room',
      'author_only',
      'not_editable',
      'not_a_member',
      'read_only_room',
      'too_many_edits',
    ],
    handler: updateMessage,
  }),
  route('DELETE', '/api/messages/:id', {
    submits: 'room command',
    parameters: MessageParameter,
    answer: Message,
    errors: ['no_such_message', 'no_such_room', 'author_only', 'not_editable', 'not_a_member', 'read_only_room'],
    handler: deleteMessage,
  }),
  route('GET', '/api/ws', {
    callers: 'open',
    answer: v.never(),
    errors: ['upgrade_needed', 'no_token', 'origin_not_allowed', 'too_many_sockets'],
    handler: upgradeNeeded,
  }),
  route('POST', '/api/ws/ticket', { status: 201, answer: Ticket, handler: createTicket }),
  route('GET', '/client/rooms.js', {
    callers: 'open',
    ...aFile(SCRIPT),
    handler: clientLibrary,
  }),
  route('GET', '/client/people.js', {
    callers: 'open',
    ...aFile(SCRIPT),
    handler: clientPeople,
  }),
  route('GET', '/', {
    callers: 'open',
    ...aFile(HTML),
    handler: pageOfRooms,
  }),
  route('GET', '/page/:file', {
    callers: 'open',
    parameters: FileParameter,
    ...aFile(SCRIPT, STYLE),
    handler: pageFile,
  }),
  route('GET', '/api/settings', { callers: 'open', answer: Settings, handler: settings }),
  route('GET', '/api/mailed-codes/:email', {
    callers: 'open',
    parameters: EmailParameter,
    answer: v.array(MailedCode),
    errors: ['no_such_route'],
    handler: mailedCodes,
  }),
  route('GET', '/docs', { callers: 'open', ...aFile(HTML), handler: listDocuments }),
  route('GET', '/docs/http', { callers: 'open', ...aFile(HTML), handler: showOpenApi }),
  route('GET', '/docs/openapi.json', {
    callers: 'open',
    ...aFile(JSON_FILE),
    handler: servedDocument(() => openApi(routes)),
  }),
  route('GET', '/docs/files/:file', {
    callers: 'open',
    parameters: FileParameter,
    ...aFile(SCRIPT, STYLE),
    handler: docsFile,
  }),
  route('GET', '/healthz', { callers: 'open', skipsRateLimit: true, answer: Status, handler: healthy }),
  route('GET', '/readyz', {
    callers: 'open',
    skipsRateLimit: true,
    answer: Status,
    errors: ['unavailable'],
    handler: ready,
  }),
];

/** What a row says whose answer is a file. @param types its content types */
function aFile(...types: string[]): Pick<Route, 'file' | 'answer' | 'errors'> & { answer: v.GenericSchema } {
  return { file: types, answer: v.never(), errors: ['no_such_route'] };
}

/**
 * The socket at `GET /api/ws`. One socket carries all rooms of its user, and every command. Its commands are in
 * shared/contract/commands.ts, and all other frames in frames.ts and resume.ts there.
 */
export const socketSettings = {
  compression: uWS.DISABLED,
  maxPayloadLength: limits.MAX_FRAME_BYTES,
  maxBackpressure: limits.MAX_UNSENT_BYTES,
  closeOnBackpressureLimit: true,
  /** In seconds. uWebSockets.js closes a socket that has sent no frame and no pong for this time. */
  idleTimeout: 60,
  sendPingsAutomatically: true,
} satisfies SocketSettings;
