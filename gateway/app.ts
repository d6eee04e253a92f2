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
import * as requests from '../shared/contract/requests.ts';
import { HTML, MARKDOWN, SCRIPT, STYLE, TEXT } from './http/built-files.ts';
import { fileRoute, type Route, route } from './http/route.ts';
import { login, loginWithOtp, register, registerWithOtp, sendOtp } from './routes/account-routes.ts';
import { docsFile, JSON_FILE, listDocuments, llmsText, servedDocuments, showOpenApi } from './routes/docs-routes.ts';
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

const documents = servedDocuments(() => routes);

/**
 * Every route of a gateway. A row without `callers` requires a token. The HTTP server makes its routes and its 405
 * answers from this table. Tests compare the table with docs/api.md, and call each route as each kind of user.
 */
export const routes: readonly Route[] = [
  route('POST', '/api/users/send-otp', {
    callers: 'open',
    body: requests.OtpMail,
    answer: confirmation('otp sent'),
    errors: ['no_token', 'bad_token', 'token_expired', 'token_revoked', 'unavailable'],
    handler: sendOtp,
  }),
  route('POST', '/api/users/register', {
    callers: 'open',
    submits: 'account change',
    body: requests.Registration,
    status: 201,
    answer: User,
    errors: ['email_taken', 'not_allowed', 'email_unproven'],
    handler: register,
  }),
  route('POST', '/api/users/register-otp', {
    callers: 'open',
    submits: 'account change',
    body: requests.RegistrationWithOtp,
    status: 201,
    answer: User,
    errors: ['wrong_otp', 'email_taken', 'not_allowed'],
    handler: registerWithOtp,
  }),
  route('POST', '/api/users/login', {
    callers: 'open',
    body: requests.Login,
    answer: Token,
    errors: ['wrong_credentials', 'unavailable'],
    handler: login,
  }),
  route('POST', '/api/users/login-otp', {
    callers: 'open',
    body: requests.LoginWithOtp,
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
  route('GET', '/api/users', { query: requests.ListPage, answer: v.array(User), handler: listUsers }),
  route('GET', '/api/users/all', { query: requests.ListPage, answer: v.array(User), handler: listUsers }),
  route('GET', '/api/users/current', { answer: User, errors: ['no_such_user'], handler: currentUser }),
  route('PUT', '/api/users/update', {
    submits: 'account change',
    body: requests.UserUpdate,
    answer: User,
    errors: ['email_unproven', 'email_taken', 'no_such_user'],
    handler: updateUser,
  }),
  route('PUT', '/api/users/update-otp', {
    submits: 'account change',
    body: requests.UserUpdateWithOtp,
    answer: User,
    errors: ['wrong_otp', 'not_allowed', 'email_taken', 'no_such_user'],
    handler: updateUserWithOtp,
  }),
  route('GET', '/api/users/email/:email', {
    parameters: requests.SearchParameter,
    answer: v.array(User),
    handler: searchUsers,
  }),
  route('GET', '/api/users/:id', {
    parameters: requests.UserParameter,
    answer: User,
    errors: ['no_such_user'],
    handler: getUser,
  }),
  route('POST', '/api/users/:id/roles/:role', {
    callers: 'admin',
    submits: 'account change',
    parameters: requests.RoleParameters,
    answer: User,
    errors: ['no_such_user'],
    handler: addRole,
  }),
  route('DELETE', '/api/users/:id/roles/:role', {
    callers: 'admin',
    submits: 'account change',
    parameters: requests.RoleParameters,
    answer: User,
    errors: ['no_such_user', 'everyones_role', 'last_admin'],
    handler: removeRole,
  }),
  route('GET', '/api/rooms', { query: requests.ListPage, answer: v.array(Room), handler: listRooms }),
  route('POST', '/api/rooms', {
    submits: 'room command',
    body: requests.NewRoom,
    status: 201,
    answer: Room,
    errors: ['too_many_owned_rooms', 'too_many_rooms', 'no_such_room'],
    handler: createRoom,
  }),
  route('GET', '/api/rooms/:id', {
    parameters: requests.RoomParameter,
    answer: Room,
    errors: ['no_such_room'],
    handler: getRoom,
  }),
  route('PUT', '/api/rooms/:id', {
    submits: 'room command',
    parameters: requests.RoomParameter,
    body: requests.RoomUpdate,
    answer: Room,
    errors: ['no_such_room', 'owner_only', 'everyones_room'],
    handler: updateRoom,
  }),
  route('DELETE', '/api/rooms/:id', {
    submits: 'room command',
    parameters: requests.RoomParameter,
    answer: confirmation('room deleted'),
    errors: ['no_such_room', 'owner_only', 'everyones_room'],
    handler: deleteRoom,
  }),
  route('POST', '/api/rooms/:room_id/users/:user_id', {
    submits: 'room command',
    parameters: requests.MemberParameters,
    status: 201,
    answer: Message,
    errors: ['no_such_room', 'no_such_user', 'owner_only', 'everyones_room', 'already_in_room', 'too_many_rooms'],
    handler: addUser,
  }),
  route('DELETE', '/api/rooms/:room_id/users/:user_id', {
    submits: 'room command',
    parameters: requests.MemberParameters,
    answer: Message,
    errors: ['no_such_room', 'no_such_user', 'owner_only', 'everyones_room', 'owner_stays', 'user_not_in_room'],
    handler: removeUser,
  }),
  route('PUT', '/api/rooms/:id/read', {
    submits: 'account change',
    parameters: requests.RoomParameter,
    body: requests.NewReadMark,
    answer: ReadCounts,
    errors: ['no_such_room', 'not_a_member'],
    handler: markRead,
  }),
  route('GET', '/api/rooms/:id/events', {
    parameters: requests.RoomParameter,
    query: requests.EventsPage,
    checksToken: true,
    answer: Events,
    errors: ['no_such_room'],
    handler: listEvents,
  }),
  // The Go server that Rooms replaces names this parameter `:room_id` for a room and `:id` for a message. Both names
  // match the same URLs, so here all four rows use :id.
  route('GET', '/api/messages/:id', {
    parameters: requests.RoomParameter,
    query: requests.HistoryPage,
    checksToken: true,
    answer: v.array(Message),
    errors: ['no_such_room'],
    handler: listMessages,
  }),
  route('POST', '/api/messages/:id', {
    submits: 'room command',
    parameters: requests.RoomParameter,
    body: requests.NewText,
    status: 201,
    answer: Message,
    errors: ['no_such_room', 'not_a_member', 'read_only_room'],
    handler: createMessage,
  }),
  route('PUT', '/api/messages/:id', {
    submits: 'room command',
    parameters: requests.MessageParameter,
    body: requests.NewText,
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
    parameters: requests.MessageParameter,
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
  route('GET', '/api/settings', { callers: 'open', answer: Settings, handler: settings }),
  route('GET', '/api/mailed-codes/:email', {
    callers: 'open',
    parameters: requests.EmailParameter,
    answer: v.array(MailedCode),
    errors: ['no_such_route'],
    handler: mailedCodes,
  }),
  fileRoute('/', [HTML], pageOfRooms),
  fileRoute('/page/:file', [SCRIPT, STYLE], pageFile),
  fileRoute('/client/rooms.js', [SCRIPT], clientLibrary),
  fileRoute('/client/people.js', [SCRIPT], clientPeople),
  fileRoute('/docs', [HTML], listDocuments),
  fileRoute('/docs/http', [HTML], showOpenApi),
  fileRoute('/docs/openapi.json', [JSON_FILE], documents.openApi),
  fileRoute('/docs/socket', [HTML], documents.socketPage),
  fileRoute('/docs/asyncapi.json', [JSON_FILE], documents.asyncApi),
  fileRoute('/docs/files/:file', [SCRIPT, STYLE, MARKDOWN], docsFile),
  fileRoute('/llms.txt', [TEXT], llmsText),
  route('GET', '/healthz', { callers: 'open', skipsRateLimit: true, answer: Status, handler: healthy }),
  route('GET', '/readyz', {
    callers: 'open',
    skipsRateLimit: true,
    answer: Status,
    errors: ['unavailable'],
    handler: ready,
  }),
];

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
