import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import * as v from 'valibot';
import { WebSocket } from 'ws';
import { routes } from '../gateway/app.ts';
import { callersOf } from '../gateway/http/route.ts';
import { type CommandName, commandNames } from '../shared/contract/commands.ts';
import { ErrorAnswer, errors, isErrorCode } from '../shared/contract/errors.ts';
import { RoomType } from '../shared/contract/fields.ts';
import { newId, standingRoomIds } from '../shared/contract/ids.ts';
import { rows, type User, users } from './matrix-table.ts';
import { codeOf } from './support/answer-checks.ts';
import { type Account, Client, call, createAccount, logIn, PASSWORD, signToken } from './support/client.ts';
import type { CommandFrame } from './support/client-frames.ts';
import { parseExactly } from './support/parse-exactly.ts';
import { startSystem } from './support/system.ts';

const apiRoutes = routes.filter(({ path }) => path.startsWith('/api/'));
const { cluster, database } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const newcomer = await createAccount(url, 'newcomer');
const accounts = await forEachUser((user) => createAccount(url, user));
await database`update users set roles = '{user,admin}' where id = ${accounts.admin.id}`;
const clients = await forEachUser((user) => Client.connect(url, accounts[user].token));
after(() => forEachUser((user) => clients[user].close()));
const tokens: Record<string, string | undefined> = {
  ...(await forEachUser(async (user) => accounts[user].token)),
  expired: await signToken(cluster.secret, accounts.owner.id, '-1s'),
  revoked: await createRevokedToken(),
};

/** The value of each `:name` in a line of the table. */
type Names = Record<string, string>;

const constantNames: Names = {
  newcomer: newcomer.id,
  person: 'firstName=Some&lastName=Body&phone=123456789',
  password: PASSWORD,
};
for (const user of users) {
  constantNames[user] = accounts[user].id;
  constantNames[`${user}.email`] = accounts[user].email;
}

/** The users who write a message in a room before the requests, and before the ex-member is removed. */
const authors: Record<string, User[]> = {
  Private: ['owner', 'member', 'exMember'],
  Public: ['owner', 'member', 'exMember'],
  general: ['member'],
  announcements: ['admin'],
};

for (const { title, room, request, answers } of rows) {
  test(title, async () => {
    if (request.includes('logout'))
      Object.assign(tokens, await forEachUser((user) => logIn(url, accounts[user].email)));
    const actual: Record<string, string> = {};
    for (const caller of Object.keys(answers)) actual[caller] = await answerTo(caller, request, room);
    assert.deepEqual(actual, answers);
  });
}

/** Callers without a valid token, and the error code that each gets from a route that requires a token. */
const tokenErrors = { nobody: 'no_token', expired: 'token_expired', revoked: 'token_revoked' } as const;

const requiredTokens: Record<string, string> = { user: 'a valid token', admin: 'the token of an admin' };

for (const row of apiRoutes) {
  const callers = callersOf(row);
  test(`${row.method} ${row.path} requires ${requiredTokens[callers] ?? 'no token'}`, async () => {
    const request = `${row.method} ${row.path.replace(/:\w+/g, () => newId())}`;
    const body = row.body && {};
    for (const [caller, code] of Object.entries(tokenErrors)) {
      const actual = codeOf(await call(url, request, { token: tokens[caller], body }));
      if (callers !== 'open') assert.equal(actual, code);
      else assert.notEqual(actual, code);
    }
    const [strangerToken, adminToken] = [await newToken(accounts.stranger), await newToken(accounts.admin)];
    const codeForStranger = codeOf(await call(url, request, { token: strangerToken, body }));
    assert.equal(codeForStranger === 'admin_only', callers === 'admin', `${codeForStranger}`);
    assert.notEqual(codeOf(await call(url, request, { token: adminToken, body })), 'admin_only');
  });
}

/** Signs a token for one request, because some routes revoke the tokens of their caller. */
async function newToken({ id }: Account): Promise<string> {
  const [user] = await database`select token_version from users where id = ${id}`;
  return signToken(cluster.secret, id, '1h', user?.tokenVersion);
}

test('every route and every command has a line in the matrix', () => {
  const names = apiRoutes.map(({ method, path }) => `${method} ${path}`);
  assert.ok(names.length > 20, `only ${names.length} routes were found`);
  const missing = [...names, ...commandNames].filter((name) => {
    const form = new RegExp(`^${name.replace(/:\w+/g, '(:[\\w.]+|admin)')}( |$)`, 'i');
    return !rows.some(({ request }) => form.test(request));
  });
  assert.deepEqual(missing, []);
});

/** Replaces each `:name` in a part of a line by its value. */
type ReplaceNames = (part: string) => string;

/** A room that no request has changed yet, and the hash of the data after it was made. */
let unchanged: { room: string; roomId: string; names: Names; hash: string } | undefined;

/**
 * Returns the answer to one caller, in the notation of the table. If the request changed the data, the next caller gets
 * a new room.
 */
async function answerTo(caller: string, request: string, room: string): Promise<string> {
  if (unchanged?.room !== room) {
    const names = await createNamedRoom(room);
    const roomId = names.room as string;
    unchanged = { room, roomId, names, hash: await hashState(roomId) };
  }
  const { roomId, names: roomNames, hash } = unchanged;
  const { id, email } = accounts[isUser(caller) ? caller : 'owner'];
  const names: Names = { ...roomNames, caller: id, 'caller.email': email, newEmail: `${newId()}@example.com` };
  const replaceNames: ReplaceNames = (part) =>
    part.replace(/:([\w.]*\w)/g, (_, name) => names[name] ?? assert.fail(`no ${name}`));
  const send = /^[A-Z]+ /.test(request) ? sendOverHttp : sendOverSocket;
  const answer = await send(caller, request, replaceNames);
  if ((await hashState(roomId)) === hash) return answer;
  unchanged = undefined;
  return isErrorCode(answer) ? `${answer}, but the data changed` : answer;
}

/** Creates the room of a line. @returns the values of its names; those of `general` if the line needs no room */
async function createNamedRoom(room: string): Promise<Names> {
  const isOwned = v.is(RoomType, room);
  const roomId = isOwned
    ? (await clients.owner.commit({ command: 'CreateRoom', text: 'the room', roomType: room })).roomId
    : (standingRoomIds.find((id) => id === room) ?? 'general');
  const changeMember = (command: CommandName, user: User) =>
    clients.owner.commit({ command, roomId, targetId: accounts[user].id });
  if (isOwned) for (const user of ['member', 'exMember'] as const) await changeMember('AddUser', user);
  const names: Names = { ...constantNames, room: roomId };
  for (const user of authors[room] ?? []) {
    const { id } = await clients[user].commit({ command: 'CreateMessage', roomId, text: 'a message' });
    names[`${user}.message`] = id;
  }
  if (isOwned) await changeMember('RemoveUser', 'exMember');
  return names;
}

/** A hash of the room, its members and messages, all accounts, and the number of messages in all rooms. */
async function hashState(roomId: string): Promise<string> {
  const [row] = await database<{ hash: string }[]>`
    select md5(concat(
      (select to_jsonb(r) from rooms r where id = ${roomId}),
      (select jsonb_agg(m order by user_id) from memberships m where room_id = ${roomId}),
      (select jsonb_agg(m order by seq) from messages m where room_id = ${roomId}),
      (select jsonb_agg(u order by id) from users u),
      (select count(*) from messages)
    )) as hash`;
  return row?.hash ?? assert.fail('no hash');
}

async function sendOverHttp(caller: string, request: string, replaceNames: ReplaceNames): Promise<string> {
  const [sent = '', value] = request.split(' has ');
  const [method, path = '', form] = sent.split(' ');
  const body = form && Object.fromEntries([...new URLSearchParams(replaceNames(form))].map(toField));
  const answer = await call(url, `${method} ${replaceNames(path)}`, { token: tokens[caller], ...(body && { body }) });
  if (answer.status >= 400) return refusalOf(answer.status, answer.body);
  if (value === undefined) return `${answer.status}`;
  return JSON.stringify(answer.body).includes(replaceNames(value)) ? 'yes' : 'no';
}

/** Only `seq` is a number: a one-time password is a text of digits. */
function toField([name, value]: [string, string]): [string, string | number] {
  return [name, name === 'seq' ? Number(value) : value];
}

async function sendOverSocket(caller: string, request: string, replaceNames: ReplaceNames): Promise<string> {
  const [command, targetId] = replaceNames(request).split(' ') as [CommandName, string | undefined];
  const frame = { command, roomId: replaceNames(':room'), text: 'hello', ...(targetId && { targetId }) };
  if (isUser(caller)) {
    const answer = await clients[caller].ask(frame);
    return answer.command === 'Error' ? answer.code : answer.command;
  }
  const token = tokens[caller];
  return token === undefined ? refusedUpgrade() : refusedSocket(token, frame);
}

async function refusedUpgrade(): Promise<string> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws`);
  const [, response] = await once(socket, 'unexpected-response');
  return refusalOf(response.statusCode, JSON.parse(await text(response)));
}

async function refusedSocket(token: string, frame: CommandFrame): Promise<string> {
  const client = await Client.connect(url, token, 'classic');
  client.send(frame);
  const { code, reason } = await client.waitForClose();
  // A command of the owner takes the same path. After its answer, the earlier frame can have no effect.
  await clients.owner.roundTrip();
  const received = client.frames.map((each) => (each.command === 'Error' ? each.code : each.command));
  const isRefused = code === 4401 && received.length > 0 && received.every((each) => each === reason);
  return isRefused ? reason : `${code} ${received}`;
}

/** Returns the error code of a refusal, and before it the status if the error table has another status. */
function refusalOf(status: number, body: unknown): string {
  const { code } = parseExactly(ErrorAnswer, body);
  return errors[code].status === status ? code : `${status} ${code}`;
}

function isUser(caller: string): caller is User {
  return users.some((user) => user === caller);
}

async function forEachUser<T>(make: (user: User) => Promise<T>): Promise<Record<User, T>> {
  const entries = await Promise.all(users.map(async (user) => [user, await make(user)]));
  return Object.fromEntries(entries);
}

async function createRevokedToken(): Promise<string> {
  const token = await logIn(url, accounts.owner.email);
  await call(url, 'POST /api/users/logout', { token });
  return token;
}
