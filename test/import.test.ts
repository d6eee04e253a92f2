import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { Room, Token, User } from '../shared/contract/answers.ts';
import { Message } from '../shared/contract/messages.ts';
import { bodyOf, refused } from './support/answer-checks.ts';
import { Client, call, logIn, PASSWORD } from './support/client.ts';
import { readImported, runImport } from './support/npm-run-import.ts';
import { createOriginal, messageRow, type OriginalMessage, time, userRow, uuid } from './support/original.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

const [ann, bob, eve, zed] = [uuid(1), uuid(2), uuid(3), uuid(4)];
const [team, solo, news] = [uuid(11), uuid(12), uuid(13)];

const roomTimes = { created_at: time(10), updated_at: time(11) };
const teamMessages = [
  { command: 'CreateRoom', text: 'Room created', user_id: ann, target_id: team },
  { command: 'AddUser', text: 'Zed joined the room', user_id: ann, target_id: zed },
  { command: 'AddUser', text: 'Bob joined the room', user_id: ann, target_id: bob },
  { command: 'RemoveUser', text: 'Bob left the room', user_id: bob, target_id: bob },
  { command: 'AddUser', text: 'Bob joined the room', user_id: ann, target_id: bob },
  { command: 'CreateMessage', text: 'Hello team', user_id: bob, target_id: team },
  { command: 'UpdateMessage', text: 'Hello again', user_id: bob, target_id: uuid(106), updated_at: time(900) },
  { command: 'DeleteMessage', text: '', user_id: ann, target_id: uuid(107), updated_at: time(901) },
  { command: 'RemoveUser', text: 'Zed left the room', user_id: ann, target_id: zed },
  { command: 'UpdateRoom', text: 'Room updated', user_id: ann, target_id: team },
].map((columns, index) =>
  messageRow({ id: uuid(100 + index), room_id: team, created_at: time(20 + index), ...columns }),
);
/**
 * More messages than one statement stores. The rows are not in order of time. Of three messages with the same
 * millisecond, two have the same time, and the one with the last id has an earlier time.
 */
const generalMessages = Array.from({ length: 2_500 }, (_, index) => {
  const position = (index * 7_919) % 2_500;
  const author = [ann, bob, eve, zed][position % 4] as string;
  return messageRow({
    ...{ id: uuid(10_000 + position), room_id: 'general', user_id: author, text: `message ${position}` },
    created_at: time(1_000 + Math.floor(position / 3), position % 3 === 2 ? 123 : 456),
  });
});

const original = await createOriginal();
await original.insert(
  'users',
  userRow(ann, 'Ann', { roles: ['user', 'user', 'admin'] }),
  userRow(bob, 'Bob', { roles: ['user', 'moderator'], phone: '' }),
  userRow(eve, 'Eve', { email: 'Eve.Müller@Example.com', roles: null, first_name: 'Ev' }),
  userRow(zed, 'Zed'),
);
await original.insert(
  'rooms',
  { id: team, name: 'team', owner_id: ann, room_type: 'Private', ...roomTimes },
  { id: solo, name: 'my', owner_id: eve, room_type: 'Private', ...roomTimes },
  { id: news, name: 'news', owner_id: ann, room_type: 'ReadOnly', ...roomTimes },
);
await original.insert(
  'room_users',
  ...[ann, bob].map((user_id) => ({ user_id, room_id: team })),
  ...[ann, zed].map((user_id) => ({ user_id, room_id: news })),
);
await original.insert('messages', ...teamMessages, ...generalMessages);
await original.insert('allowed_users', { email: 'New@example.com', default_role: 'admin' });
await original.insert('allowed_users', { email: 'other@example.com', default_role: 'guest' });
const readOriginal = () => original.database`
  select (select json_agg(t order by id) from users t), (select json_agg(t order by id) from messages t) as messages,
    (select json_agg(t order by id) from rooms t) as rooms, (select json_agg(t) from room_users t) as members`;
const originalBefore = await readOriginal();

const { cluster, database, databaseUrl } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const before = await readImported(database);
const dryRun = await runImport(databaseUrl, '--dry-run', original.url);
const afterDryRun = await readImported(database);
const firstRun = await runImport(databaseUrl, original.url);
const afterFirstRun = await readImported(database);
const secondRun = await runImport(databaseUrl, original.url);
const afterSecondRun = await readImported(database);

const [annToken, bobToken] = await Promise.all(['ann', 'bob'].map((name) => logIn(url, `${name}@example.com`)));
const eveToken = await logIn(url, 'eve.müller@example.com');

/** The lines of the table of counts, without spaces at the ends. */
const tableOf = (output: string) =>
  output
    .split('\n')
    .filter((line) => /^(users|allow-list|rooms|messages|members) {2,}/.test(line))
    .map((line) => line.split(/ {2,}/));
const counts = (imported: (read: string) => [string, string]) =>
  ['users 4', 'allow-list 2', 'rooms 5', 'messages 2,510', 'members 5'].map((line) => {
    const [name, read] = line.split(' ') as [string, string];
    return [name, read, ...imported(read)];
  });

/** What a history shows for a row of the original. */
const shownRow = (row: OriginalMessage) => [
  row.id,
  row.user_id,
  row.command,
  row.target_id,
  row.text,
  ...[row.created_at, row.updated_at].map((each) => `${each.slice(0, 23)}Z`),
];
const shown = (message: Message) => [
  message.id,
  message.userId,
  message.command,
  message.targetId,
  message.text,
  message.createdAt,
  message.updatedAt,
];

/** Reads a whole history over HTTP. @returns its messages, oldest first */
async function readHistory(roomId: string, token: string | undefined): Promise<Message[]> {
  const messages: Message[] = [];
  for (let page = 1; ; page++) {
    const answer = await call(url, `GET /api/messages/${roomId}?page=${page}&size=100`, { token });
    const rows = bodyOf(v.array(Message), answer);
    if (rows.length === 0) return messages.toReversed();
    messages.push(...rows);
  }
}

test('a dry run prints the counts and writes nothing', () => {
  assert.equal(dryRun.code, 0, dryRun.errors.join());
  assert.deepEqual(
    tableOf(dryRun.output),
    counts((read) => [read, '0']),
  );
  assert.match(dryRun.output, /to be imported(.|\n)*This was a dry run\. Nothing was written\.\n$/);
  assert.deepEqual(afterDryRun, before);
});

test('an import prints its counts, and notes what it leaves out', () => {
  assert.deepEqual([firstRun.code, firstRun.errors], [0, []]);
  assert.deepEqual(
    tableOf(firstRun.output),
    counts((read) => [read, '0']),
  );
  assert.match(firstRun.output, /^note: users with other roles than user and admin: 1 /m);
  assert.match(firstRun.output, /^note: entries of the allow-list with an unknown role: 1 /m);
  assert.match(firstRun.output, new RegExp(`^note: users with an e-mail of an unusual form: 1 .*: ${eve}$`, 'm'));
  assert.match(firstRun.output, /^messages: 2,510 of 2,510$/m);
  assert.match(firstRun.output, /The import is complete\.\n$/);
});

test('a second import changes nothing and prints this', () => {
  assert.deepEqual([secondRun.code, secondRun.errors], [0, []]);
  assert.deepEqual(
    tableOf(secondRun.output),
    counts((read) => ['0', read]),
  );
  assert.match(secondRun.output, /Everything was already there\. Nothing was changed\.\n$/);
  assert.deepEqual(afterSecondRun, afterFirstRun);
});

test('an import does not change the original', async () => {
  assert.deepEqual(await readOriginal(), originalBefore);
});

test('a history has all messages of the original, by time and then by id', async () => {
  const expected = generalMessages.toSorted((a, b) =>
    a.created_at === b.created_at ? (a.id < b.id ? -1 : 1) : a.created_at < b.created_at ? -1 : 1,
  );
  const messages = await readHistory('general', eveToken);
  assert.deepEqual(messages.map(shown), expected.map(shownRow));
  assert.deepEqual(
    messages.map(({ seq }) => seq),
    expected.map((_, index) => index + 1),
  );
});

test('a history shows edited and deleted messages and events like the original', async () => {
  assert.deepEqual((await readHistory(team, bobToken)).map(shown), teamMessages.map(shownRow));
});

test('users, rooms and members are those of the original, and other roles are left out', async () => {
  const user = bodyOf(User, await call(url, 'GET /api/users/current', { token: annToken }));
  assert.deepEqual(
    [user.id, user.firstName, user.email, user.roles],
    [ann, 'Ann', 'ann@example.com', ['user', 'admin']],
  );
  assert.deepEqual([user.createdAt, user.updatedAt], ['2022-09-02T00:00:00.000Z', '2022-09-02T00:00:01.000Z']);
  const eveUser = bodyOf(User, await call(url, 'GET /api/users/current', { token: eveToken }));
  assert.deepEqual([eveUser.firstName, eveUser.roles], ['Ev', ['user']]);
  assert.deepEqual(
    eveUser.rooms.map(({ id, name }) => [id, name]),
    [[solo, 'my']],
  );
  const room = bodyOf(Room, await call(url, `GET /api/rooms/${team}`, { token: bobToken }));
  assert.deepEqual([room.name, room.ownerId, room.roomType], ['team', ann, 'Private']);
  assert.equal(room.createdAt, '2022-09-02T00:00:10.000Z');
  assert.deepEqual(
    room.users.map(({ id }) => id),
    [ann, bob],
  );
  const general = bodyOf(Room, await call(url, 'GET /api/rooms/general', { token: bobToken }));
  assert.deepEqual([general.name, general.ownerId, general.users.length], ['General', 'general', 4]);
  assert.equal(general.createdAt, '2022-09-01T08:00:00.123Z');
});

test('a private room stays hidden from users outside it', async () => {
  refused(await call(url, `GET /api/rooms/${team}`, { token: eveToken }), 'no_such_room');
  refused(await call(url, `GET /api/messages/${team}`, { token: eveToken }), 'no_such_room');
  refused(await call(url, `GET /api/rooms/${solo}`, { token: annToken }), 'no_such_room');
});

test('a membership begins with the last message that added the user, or with the room', async () => {
  const rows = await database`
    select room_id, user_id, seq, created_at from memberships where room_id in (${team}, ${solo}, ${news})
    order by room_id, user_id`;
  assert.deepEqual(
    rows.map(({ roomId, userId, seq, createdAt }) => [roomId, userId, seq, createdAt]),
    [
      [team, ann, 1, '2022-09-02T00:00:20.000Z'],
      [team, bob, 5, '2022-09-02T00:00:24.000Z'],
      [solo, eve, 0, '2022-09-02T00:00:10.000Z'],
      [news, ann, 0, '2022-09-02T00:00:10.000Z'],
      [news, zed, 0, '2022-09-02T00:00:10.000Z'],
    ],
  );
});

test('the seqs and history indexes of the messages have no gap and agree with their rooms', async () => {
  // This is the rule of sql/005-places.sql, written again.
  const wrong = await database`
    select * from (
      select room_id, seq, history_index, row_number() over (partition by room_id order by seq) as counted,
        count(*) filter (where is_in_history(command)) over (partition by room_id order by seq) as place,
        ref = id and fingerprint = 0 and name is null as is_marked
      from messages
    ) numbered
    where seq <> counted or history_index <> place or not is_marked`;
  assert.deepEqual([...wrong], []);
  const rooms = await database`
    select rooms.id, rooms.seq, history_length, count(messages.id) as stored
    from rooms left join messages on room_id = rooms.id group by rooms.id order by rooms.seq desc`;
  for (const { id, seq, historyLength, stored } of rooms) assert.deepEqual([seq, historyLength], [stored, stored], id);
  assert.deepEqual(rooms.map(({ seq }) => seq).slice(0, 3), [2_500, 10, 0]);
});

test('an e-mail of the imported allow-list has a role that Rooms knows', async () => {
  const rows = await database`select email, role from allowed_users order by email`;
  assert.deepEqual(
    rows.map(({ email, role }) => `${email} ${role}`),
    ['new@example.com admin', 'other@example.com user'],
  );
});

test('a member has read every imported message', async () => {
  const client = await Client.resume(url, annToken as string, { rooms: {} });
  const rooms = client.welcome.rooms.map(({ id, read, unread }) => ({ id, read, unread }));
  await client.close();
  assert.deepEqual(
    rooms.filter(({ id }) => id === team || id === 'general').toSorted((a, b) => (a.read ?? 0) - (b.read ?? 0)),
    [
      { id: team, read: 10, unread: 0 },
      { id: 'general', read: 2_500, unread: 0 },
    ],
  );
});

test('a new message in an imported room gets the next seq, and the author can edit an imported message', async () => {
  const [annClient, bobClient] = [
    await Client.connect(url, annToken as string),
    await Client.connect(url, bobToken as string),
  ];
  assert.equal((await bobClient.commit({ command: 'CreateMessage', roomId: team, text: 'Hello from Rooms' })).seq, 11);
  await annClient.waitForMessage({ roomId: team, seq: 11, text: 'Hello from Rooms' });
  const edit = { command: 'UpdateMessage', roomId: team, targetId: uuid(105), text: 'Hello everybody' } as const;
  assert.equal((await bobClient.commit(edit)).seq, 12);
  const history = await readHistory(team, annToken);
  assert.deepEqual(
    history.slice(5).map(({ text }) => text),
    ['Hello everybody', 'Hello again', '', 'Zed left the room', 'Room updated', 'Hello from Rooms'],
  );
  const reused = { command: 'CreateMessage', roomId: team, text: 'Hello team', ref: uuid(105) } as const;
  refused(await bobClient.ask(reused), 'ref_reused');
  await Promise.all([annClient.close(), bobClient.close()]);
});

test('an import is refused after somebody has written in Rooms', async () => {
  const { code, errors } = await runImport(databaseUrl, original.url);
  assert.deepEqual([code, errors[0]], [1, `rooms ${team}: it has messages in Rooms that are not in the original`]);
  assert.equal(errors.length, 2);
});

test('the first login with the right password replaces the bcrypt hash, and a wrong password does not', async () => {
  const hashOf = async () => (await database`select password_hash from users where id = ${zed}`)[0]?.passwordHash;
  const login = (password: string) =>
    call(url, 'POST /api/users/login', { body: { email: 'zed@example.com', password } });
  const bcryptHash = await hashOf();
  assert.match(bcryptHash, /^\$2b\$10\$/);
  refused(await login('a wrong password'), 'wrong_credentials');
  assert.equal(await hashOf(), bcryptHash);
  bodyOf(Token, await login(PASSWORD));
  await until(
    async () => (await hashOf()).startsWith('$argon2id$'),
    10_000,
    () => 'the hash is still a bcrypt hash',
  );
  bodyOf(Token, await login(PASSWORD));
  refused(await login('a wrong password'), 'wrong_credentials');
});
