import { PASSWORD } from '../support/client.ts';

/** Values that exist. Inputs that are only random would reach little more than refusals. */
export interface KnownValues {
  rooms: string[];
  /** Rooms that the fuzzer may delete. */
  spareRooms: string[];
  messages: string[];
  /** Messages that the fuzzer may delete. */
  spareMessages: string[];
  users: string[];
  /** The e-mail of the caller. */
  email: string;
}

/** @returns the text of a configuration file of schemathesis: its checks, and the values that often stand in inputs */
export function fuzzConfig({ email, ...values }: KnownValues): string {
  const dictionaries = Object.entries({ ...values, emails: [email], passwords: [PASSWORD] });
  const lists = dictionaries.map(([name, list]) => `[dictionaries.${name}]\nvalues = ${JSON.stringify(list)}\n`);
  return [...lists, CHECKS, ...VALUES.map(([operation, parameters]) => valuesOf(operation, parameters))].join('\n');
}

/** All checks of schemathesis are on, except these. */
const CHECKS = `
# 503 is a documented answer: "try again soon".
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503"]

# A page or a size that is not a number counts as the default, because the original server refuses no query.
[[operations]]
include-name = ["GET /api/users", "GET /api/users/all", "GET /api/rooms", "GET /api/rooms/{id}/events", "GET /api/messages/{id}"]
[operations.checks.negative_data_rejection]
enabled = false

# OpenAPI cannot say that only one of page, before and after may be in a query.
[[operations]]
include-name = "GET /api/messages/{id}"
[operations.checks.positive_data_acceptance]
enabled = false
`;

/** For some operations: the dictionary of each parameter. */
const VALUES: [operation: string, parameters: Record<string, string>][] = [
  ['GET /api/users/{id}', { 'path.id': 'users' }],
  ['POST /api/users/{id}/roles/{role}', { 'path.id': 'users' }],
  ['DELETE /api/users/{id}/roles/{role}', { 'path.id': 'users' }],
  ['PUT /api/users/update', { 'body.email': 'emails' }],
  ['POST /api/users/login', { 'body.email': 'emails', 'body.password': 'passwords' }],
  ['GET /api/rooms/{id}', { 'path.id': 'rooms' }],
  ['PUT /api/rooms/{id}', { 'path.id': 'rooms' }],
  ['DELETE /api/rooms/{id}', { 'path.id': 'spareRooms' }],
  ['PUT /api/rooms/{id}/read', { 'path.id': 'rooms' }],
  ['GET /api/rooms/{id}/events', { 'path.id': 'rooms' }],
  ['POST /api/rooms/{room_id}/users/{user_id}', { 'path.room_id': 'rooms', 'path.user_id': 'users' }],
  ['DELETE /api/rooms/{room_id}/users/{user_id}', { 'path.room_id': 'rooms', 'path.user_id': 'users' }],
  ['GET /api/messages/{id}', { 'path.id': 'rooms' }],
  ['POST /api/messages/{id}', { 'path.id': 'rooms' }],
  ['PUT /api/messages/{id}', { 'path.id': 'messages' }],
  ['DELETE /api/messages/{id}', { 'path.id': 'spareMessages' }],
];

function valuesOf(operation: string, parameters: Record<string, string>): string {
  const lines = Object.entries(parameters).map(([name, dictionary]) => {
    return `"${name}" = { dictionary = "${dictionary}", probability = 0.7 }`;
  });
  return ['[[operations]]', `include-name = "${operation}"`, '[operations.parameters]', ...lines, ''].join('\n');
}
