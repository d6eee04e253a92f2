import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { SignJWT } from 'jose';
import * as v from 'valibot';
import { WebSocket } from 'ws';
import { Command } from '../shared/contract/commands.ts';
import { type ErrorCode, errors, isErrorCode } from '../shared/contract/errors.ts';
import { RoomType } from '../shared/contract/fields.ts';
import { newId } from '../shared/contract/ids.ts';
import { rows, type User, users } from './matrix-table.ts';
import { type Account, Client, call, createAccount, type Frame, PASSWORD } from './support/client.ts';
import { startSystem } from './support/system.ts';

const { cluster, database } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const newcomer = await createAccount(url, 'newcomer');
const accounts = await forEachUser((user) => createAccount(url, user));
await database`update users set roles = '{user,admin}' where id = ${accounts.admin.id}`;
const clients = await forEachUser((user) => Client.connect(url, accounts[user].token));
after(() => forEachUser((user) => clients[user].close()));
const tokens: Record<string, string | undefined> = {
  ...(await forEachUser(async (user) => accounts[user].token)),
  expired: await expiredToken(accounts.owner),
  revoked: await revokedToken(accounts.owner),
};
const everyones = Object.fromEntries((await database`select name, id from rooms`).map(({ name, id }) => [name, id]));

/** What any row may name. */
const everywhere: Names = {
  newcomer: newcomer.id,
  person: 'firstName=Some&lastName=Body&phone=123456789',
  password: PASSWORD,
};
for (const user of users) {
  everywhere[user] = accounts[user].id;
  everywhere[`${user}.email`] = accounts[user].email;
}

/** Who says something in a room, before exMember is removed. */
const speakers: Record<string, User[]> = {
  Private: ['owner', 'member', 'exMember'],
  Public: ['owner', 'member', 'exMember'],
  general: ['member'],
  announcements: ['admin'],
};

for (const { room, what, answers } of rows) {
  test(`to each the right answer: ${what} (${room})`, async () => {
    if (what.includes('logout')) Object.assign(tokens, await forEachUser((user) => logIn(accounts[user])));
    const seen: Record<string, string> = {};
    for (const column of Object.keys(answers)) seen[column] = await answerTo(column, what, room);
    assert.deepEqual(seen, answers);
  });
}

test('the matrix has every route and every command', () => {
  const app = readFileSync(join(import.meta.dirname, '../gateway/app.ts'), 'utf8');
  const routes = [...app.matchAll(/'(\/api\/[^']+)': \{([^}]*)\}/g)].flatMap(([, path = '', handlers = '']) =>
    [...handlers.matchAll(/(\w+): /g)].map(([, method = '']) => `${method.replace('del', 'delete')} ${path}`),
  );
  const commands = Command.options.map(({ entries }) => entries.command.literal as string);
  const missing = [...routes, ...commands].filter((each) => {
    const form = new RegExp(`^${each.replace(/:\w+/g, '(:[\\w.]+|admin)')}( |$)`, 'i');
    return !rows.some(({ what }) => form.test(what));
  });
  assert.deepEqual(missing, []);
});

/** Stands in a row with a colon before it. */
type Names = Record<string, string>;
type Fill = (form: string) => string;

/** By room, a scene that nobody has changed yet. */
const scenes = new Map<string, Names>();

async function answerTo(column: string, what: string, room: string): Promise<string> {
  const scene = scenes.get(room) ?? (await createScene(room));
  scenes.set(room, scene);
  const { id, email } = accounts[isUser(column) ? column : 'owner'];
  const names: Names = { ...scene, self: id, 'self.email': email, newEmail: `${newId()}@example.com` };
  const fill: Fill = (form) => form.replace(/:([\w.]*\w)/g, (_, name) => names[name] ?? assert.fail(`no ${name}`));
  const ask = /^[A-Z]+ /.test(what) ? overHttp : overSocket;
  const before = await stateOf(fill(':room'));
  const answer = await ask(column, what, fill);
  if ((await stateOf(fill(':room'))) === before) return answer;
  scenes.delete(room);
  return isErrorCode(answer) ? `${answer}, but it was done` : answer;
}

async function createScene(room: string): Promise<Names> {
  // Where a row needs no room, `general` is there.
  const isOwned = v.is(RoomType, room);
  const roomId = isOwned
    ? (await done('owner', { command: 'CreateRoom', text: 'the room', roomType: room })).roomId
    : (everyones[room] ?? everyones.general);
  const change = (command: string, user: User) => done('owner', { command, roomId, targetId: accounts[user].id });
  if (isOwned) for (const user of ['member', 'exMember'] as const) await change('AddUser', user);
  const names: Names = { ...everywhere, room: roomId };
  for (const user of speakers[room] ?? []) {
    const { id } = await done(user, { command: 'CreateMessage', roomId, text: 'something' });
    names[`${user}.said`] = id;
  }
  if (isOwned) await change('RemoveUser', 'exMember');
  return names;
}

async function done(user: User, command: Record<string, unknown>): Promise<Frame> {
  const frame = await clients[user].ask(command);
  assert.equal(frame.command, 'Ack', JSON.stringify([user, command, frame]));
  return frame;
}

/** The room with all that is in it, all accounts, and how much was ever said anywhere. */
async function stateOf(roomId: string): Promise<string> {
  const [row] = await database`
    select md5(concat(
      (select to_jsonb(r) from rooms r where id = ${roomId}),
      (select jsonb_agg(m order by user_id) from memberships m where room_id = ${roomId}),
      (select jsonb_agg(m order by seq) from messages m where room_id = ${roomId}),
      (select jsonb_agg(u order by id) from users u),
      (select count(*) from messages)
    )) as state`;
  return row?.state;
}

async function overHttp(column: string, what: string, fill: Fill): Promise<string> {
  const [request = '', sought] = what.split(' has ');
  const [method, path = '', form] = request.split(' ');
  const body = form && Object.fromEntries(new URLSearchParams(fill(form)));
  const { status, body: answer } = await call(url, `${method} ${fill(path)}`, { token: tokens[column], body });
  if (status >= 400) return refusal(status, answer.code);
  if (sought === undefined) return `${status}`;
  return JSON.stringify(answer).includes(fill(sought)) ? 'yes' : 'no';
}

async function overSocket(column: string, what: string, fill: Fill): Promise<string> {
  const [command, target] = fill(what).split(' ');
  const frame = { command, roomId: fill(':room'), targetId: target, text: 'hello' };
  if (isUser(column)) {
    const answer = await clients[column].ask(frame);
    return answer.code ?? answer.command;
  }
  const token = tokens[column];
  return token === undefined ? refusedUpgrade() : endOfSocket(token, frame);
}

async function refusedUpgrade(): Promise<string> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws`);
  const [, response] = await once(socket, 'unexpected-response');
  return refusal(response.statusCode, JSON.parse(await text(response)).code);
}

async function endOfSocket(token: string, frame: Frame): Promise<string> {
  const client = await Client.connect(url, token, 'classic');
  client.send(frame);
  const { code, reason } = await client.until(() => client.closed);
  // It goes the way that the frame would go, so when it is answered, nothing of the frame is under way.
  await clients.owner.ask({ command: 'DeleteRoom', roomId: newId() });
  const codes = client.frames.map((each) => each.code);
  return code === 4401 && codes.length > 0 && codes.every((each) => each === reason) ? reason : `${code} ${codes}`;
}

function refusal(status: number, code: ErrorCode): string {
  return errors[code]?.status === status ? code : `${status} ${code}`;
}

function isUser(column: string): column is User {
  return users.some((user) => user === column);
}

async function forEachUser<T>(make: (user: User) => Promise<T>): Promise<Record<User, T>> {
  const made = await Promise.all(users.map(async (user) => [user, await make(user)]));
  return Object.fromEntries(made);
}

async function logIn({ email }: Account): Promise<string> {
  const { body } = await call(url, 'POST /api/users/login', { body: { email, password: PASSWORD } });
  return body.token;
}

async function revokedToken(account: Account): Promise<string> {
  const token = await logIn(account);
  await call(url, 'POST /api/users/logout', { token });
  return token;
}

function expiredToken({ id }: Account): Promise<string> {
  return new SignJWT({ ver: 0 })
    .setProtectedHeader({ alg: 'HS256' })
    .setJti(newId())
    .setSubject(id)
    .setIssuer('rooms')
    .setAudience('rooms')
    .setExpirationTime('-1s')
    .sign(new TextEncoder().encode(cluster.secret));
}
