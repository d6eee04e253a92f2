import { ROOMS_SEQ } from '../edge/cors.ts';
import { exampleIds, exampleMessage, exampleRoom, exampleUser } from './examples.ts';

/** What the API document says about a route, in addition to its row in the route table. */
export interface Operation {
  id: string;
  summary: string;
  group: Group;
  /** Values for the `:parameters` and the query of the example. */
  values?: Record<string, string | number>;
  /** The body of the example request. */
  body?: object;
  /** The body of the example answer. Undefined if the answer is a file. */
  answer?: unknown;
  /** The headers of a success that only this route has. */
  headers?: Record<string, { description: string; schema: { type: 'integer' } }>;
}

export const groups = {
  Accounts: 'Registration, login, and one-time passwords that are mailed.',
  Users: 'The people, what they may see of each other, and roles.',
  Rooms: 'Rooms and their members.',
  Messages: 'What was written in a room.',
  Sockets: 'The way to the WebSocket.',
  Files: 'The page, the client library and these documents.',
  Health: 'For load balancers and people who operate Rooms.',
} as const;
type Group = keyof typeof groups;

const { ann, bob, room, message } = exampleIds;
const email = 'ann@example.com';
const password = 'correct horse';
const person = { firstName: 'Ann', lastName: 'Example', email };
const phone = '123456789';
const otp = '123456';
const token = { token: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMWEyMTAyOCJ9.c2lnbmF0dXJl' };

/** One entry for each row of the route table. A test compares them, and sends each example to a gateway. */
export const operations: Record<string, Operation> = {
  'POST /api/users/send-otp': {
    ...{ id: 'sendOtp', group: 'Accounts', summary: 'Mail a one-time password' },
    body: { email: 'new@example.com', purpose: 'register' },
    answer: { message: 'otp sent' },
  },
  'POST /api/users/register': {
    ...{ id: 'register', group: 'Accounts', summary: 'Create an account' },
    body: { firstName: 'Cid', lastName: 'Example', email: 'cid@example.com', password },
    answer: { ...exampleUser, firstName: 'Cid', email: 'cid@example.com', rooms: [] },
  },
  'POST /api/users/register-otp': {
    ...{ id: 'registerWithOtp', group: 'Accounts', summary: 'Create an account with a mailed one-time password' },
    body: { firstName: 'Dan', lastName: 'Example', email: 'dan@example.com', phone, password, otp },
    answer: { ...exampleUser, firstName: 'Dan', email: 'dan@example.com', rooms: [] },
  },
  'POST /api/users/login': {
    ...{ id: 'login', group: 'Accounts', summary: 'Get a token' },
    body: { email, password },
    answer: token,
  },
  'POST /api/users/login-otp': {
    ...{ id: 'loginWithOtp', group: 'Accounts', summary: 'Get a token with a mailed one-time password' },
    body: { email, password, otp },
    answer: token,
  },
  'POST /api/users/logout': {
    ...{ id: 'logout', group: 'Accounts', summary: 'End the token of this request' },
    answer: { message: 'logged out' },
  },
  'POST /api/users/logout-all': {
    ...{ id: 'logoutAll', group: 'Accounts', summary: 'End all tokens of the user' },
    answer: { message: 'logged out' },
  },
  'GET /api/users': {
    ...{ id: 'listUsers', group: 'Users', summary: 'List the users, the oldest account first' },
    values: { page: 1, size: 20 },
    answer: [{ ...exampleUser, rooms: [] }],
  },
  'GET /api/users/all': {
    ...{ id: 'listAllUsers', group: 'Users', summary: 'The same as GET /api/users' },
    values: { page: 1, size: 20 },
    answer: [{ ...exampleUser, rooms: [] }],
  },
  'GET /api/users/current': {
    ...{ id: 'currentUser', group: 'Users', summary: 'The user of the token' },
    answer: exampleUser,
  },
  'PUT /api/users/update': {
    ...{ id: 'updateUser', group: 'Users', summary: 'Change the names and the phone of the user' },
    body: { ...person, lastName: 'Sample', phone },
    answer: { ...exampleUser, lastName: 'Sample' },
  },
  'PUT /api/users/update-otp': {
    ...{ id: 'updateUserWithOtp', group: 'Users', summary: 'Change the e-mail with a one-time password mailed to it' },
    body: { ...person, email: 'ann@example.org', phone, otp },
    answer: { ...exampleUser, email: 'ann@example.org' },
  },
  'GET /api/users/email/:email': {
    ...{ id: 'searchUsers', group: 'Users', summary: 'Find users by the beginning of their e-mail' },
    values: { email: 'bob@' },
    answer: [{ ...exampleUser, id: bob, firstName: 'Bob', email: 'bob@example.com', rooms: [] }],
  },
  'GET /api/users/:id': {
    ...{ id: 'getUser', group: 'Users', summary: 'Read a user' },
    values: { id: ann },
    answer: exampleUser,
  },
  'POST /api/users/:id/roles/:role': {
    ...{ id: 'addRole', group: 'Users', summary: 'Give a user a role' },
    values: { id: bob, role: 'admin' },
    answer: { ...exampleUser, id: bob, firstName: 'Bob', roles: ['user', 'admin'], rooms: [] },
  },
  'DELETE /api/users/:id/roles/:role': {
    ...{ id: 'removeRole', group: 'Users', summary: 'Take a role away from a user' },
    values: { id: bob, role: 'admin' },
    answer: { ...exampleUser, id: bob, firstName: 'Bob', rooms: [] },
  },
  'GET /api/rooms': {
    ...{ id: 'listRooms', group: 'Rooms', summary: 'List the rooms that the user may see: first their own' },
    values: { page: 1, size: 20 },
    answer: [exampleRoom],
  },
  'POST /api/rooms': {
    ...{ id: 'createRoom', group: 'Rooms', summary: 'Create a room' },
    body: { name: 'Tea room', roomType: 'Public' },
    answer: exampleRoom,
  },
  'GET /api/rooms/:id': {
    ...{ id: 'getRoom', group: 'Rooms', summary: 'Read a room with its members' },
    values: { id: room },
    answer: exampleRoom,
  },
  'PUT /api/rooms/:id': {
    ...{ id: 'updateRoom', group: 'Rooms', summary: 'Rename a room' },
    values: { id: room },
    body: { name: 'Coffee room' },
    answer: { ...exampleRoom, name: 'Coffee room' },
  },
  'DELETE /api/rooms/:id': {
    ...{ id: 'deleteRoom', group: 'Rooms', summary: 'Delete a room' },
    values: { id: room },
    answer: { message: 'room deleted' },
  },
  'POST /api/rooms/:room_id/users/:user_id': {
    ...{ id: 'addUser', group: 'Rooms', summary: 'Add a user to a room, or join it' },
    values: { room_id: room, user_id: bob },
    answer: { ...exampleMessage, command: 'AddUser', targetId: bob, text: 'Bob joined the room' },
  },
  'DELETE /api/rooms/:room_id/users/:user_id': {
    ...{ id: 'removeUser', group: 'Rooms', summary: 'Remove a member from a room, or leave it' },
    values: { room_id: room, user_id: bob },
    answer: { ...exampleMessage, command: 'RemoveUser', targetId: bob, text: 'Bob left the room' },
  },
  'PUT /api/rooms/:id/read': {
    ...{ id: 'markRead', group: 'Messages', summary: 'Mark the messages of a room as read, up to a seq' },
    values: { id: room },
    body: { seq: 1 },
    answer: { seq: 1, head: 3, unread: 2, mentions: 0 },
  },
  'GET /api/rooms/:id/events': {
    ...{ id: 'listEvents', group: 'Messages', summary: 'Everything that happened in a room after a seq' },
    values: { id: room, after: 1, size: 100 },
    answer: { events: [exampleMessage], head: 3 },
  },
  'GET /api/messages/:id': {
    ...{ id: 'listMessages', group: 'Messages', summary: 'Read the history of a room, the newest message first' },
    values: { id: room, size: 20 },
    answer: [exampleMessage],
    headers: {
      [ROOMS_SEQ]: {
        description: 'The page has every change up to this seq of the room.',
        schema: { type: 'integer' },
      },
    },
  },
  'POST /api/messages/:id': {
    ...{ id: 'createMessage', group: 'Messages', summary: 'Write a message to a room' },
    values: { id: room },
    body: { text: 'Hello World!' },
    answer: exampleMessage,
  },
  'PUT /api/messages/:id': {
    ...{ id: 'updateMessage', group: 'Messages', summary: 'Edit a message' },
    values: { id: message },
    body: { text: 'Goodbye World!' },
    answer: { ...exampleMessage, command: 'UpdateMessage', targetId: message, text: 'Goodbye World!' },
  },
  'DELETE /api/messages/:id': {
    ...{ id: 'deleteMessage', group: 'Messages', summary: 'Delete a message' },
    values: { id: message },
    answer: { ...exampleMessage, command: 'DeleteMessage', targetId: message, text: '' },
  },
  'GET /api/ws': { id: 'openSocket', group: 'Sockets', summary: 'Open the WebSocket of the user' },
  'POST /api/ws/ticket': {
    ...{ id: 'createTicket', group: 'Sockets', summary: 'Get a ticket that opens one socket within 30 seconds' },
    answer: { ticket: 'T0sV4kJ1cGxl' },
  },
  'GET /client/rooms.js': { id: 'clientLibrary', group: 'Files', summary: 'The client library for browsers' },
  'GET /client/people.js': { id: 'clientPeople', group: 'Files', summary: 'Presence, typing and unread for browsers' },
  'GET /': { id: 'page', group: 'Files', summary: 'The page' },
  'GET /page/:file': { id: 'pageFile', group: 'Files', summary: 'A script or the styles of the page' },
  'GET /api/settings': {
    ...{ id: 'settings', group: 'Files', summary: 'What the page must know of this deployment' },
    answer: { showsCodes: false },
  },
  'GET /api/mailed-codes/:email': {
    ...{ id: 'mailedCodes', group: 'Files', summary: 'The mailed codes, only where a mail catcher runs' },
    values: { email: 'new@example.com' },
    answer: [{ code: otp, sentAt: '2026-01-02T03:04:05.678Z' }],
  },
  'GET /docs': { id: 'docs', group: 'Files', summary: 'The list of the documents' },
  'GET /docs/http': { id: 'docsOfHttp', group: 'Files', summary: 'This document as a page' },
  'GET /docs/openapi.json': { id: 'openApi', group: 'Files', summary: 'This document' },
  'GET /docs/socket': { id: 'docsOfSocket', group: 'Files', summary: 'The document of the socket as a page' },
  'GET /docs/asyncapi.json': { id: 'asyncApi', group: 'Files', summary: 'The AsyncAPI document of the socket' },
  'GET /docs/files/:file': {
    id: 'docsFile',
    group: 'Files',
    summary: 'A script or the styles of these pages, or a guide',
  },
  'GET /llms.txt': { id: 'llmsText', group: 'Files', summary: 'The list of the documents for language models' },
  'GET /healthz': { id: 'healthy', group: 'Health', summary: 'The process is alive', answer: { status: 'ok' } },
  'GET /readyz': { id: 'ready', group: 'Health', summary: 'Postgres and Redis answer', answer: { status: 'ok' } },
};
