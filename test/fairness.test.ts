import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import { limits } from '../shared/contract/limits.ts';
import { type Answer, codeOf, countCodes, refused } from './support/answer-checks.ts';
import { Client, call, createAccount, PASSWORD } from './support/client.ts';
import { openTestGateway } from './support/in-process.ts';
import { until } from './support/until.ts';

const withoutRates = await openTestGateway();
const withQuotas = await openTestGateway({
  OWNED_ROOMS_PER_USER: '2',
  ROOMS_PER_USER: '3',
  EDITS_PER_MESSAGE: '2',
  HASHES_PER_ADDRESS: '2',
  TRUSTED_PROXIES: '127.0.0.0/8',
});
const MAX_COMMANDS = 20 * limits.USER_WINDOW_SECONDS;
const withRates = await openTestGateway({
  USER_RATE: '20',
  ROOMS_PER_HOUR: '3',
  ADDITIONS_PER_MINUTE: '20',
  RATE_LIMIT: '1000',
});

test('over a socket and over HTTP, a command over a quota is refused with the code of the quota', async () => {
  const { url, addUser } = withQuotas;
  const [ann, bob] = [await addUser('Ann'), await addUser('Bob')];
  const client = await Client.connect(url, ann.token);
  const newRoom = { command: 'CreateRoom', text: 'a room' } as const;
  const { roomId } = await client.commit(newRoom);
  const rooms = [roomId, (await client.commit(newRoom)).roomId];
  refused(await client.ask(newRoom), 'too_many_owned_rooms');
  const body = { name: 'a room' };
  refused(await call(url, 'POST /api/rooms', { token: ann.token, body }), 'too_many_owned_rooms');

  const bobClient = await Client.connect(url, bob.token);
  for (let count = 0; count < 2; count++) await bobClient.commit(newRoom);
  await client.commit({ command: 'AddUser', roomId, targetId: bob.id });
  refused(await client.ask({ command: 'AddUser', roomId: rooms[1] as string, targetId: bob.id }), 'too_many_rooms');
  const addition = `POST /api/rooms/${rooms[1]}/users/${bob.id}`;
  refused(await call(url, addition, { token: ann.token }), 'too_many_rooms');

  const { id: targetId } = await client.commit({ command: 'CreateMessage', roomId, text: 'Hello World!' });
  const edit = { command: 'UpdateMessage', roomId, targetId, text: 'Goodbye World!' } as const;
  for (let count = 0; count < 2; count++) await client.commit(edit);
  refused(await client.ask(edit), 'too_many_edits');
  const update = { token: ann.token, body: { text: 'again' } };
  refused(await call(url, `PUT /api/messages/${targetId}`, update), 'too_many_edits');
  await client.commit({ command: 'DeleteMessage', roomId, targetId });
  for (const each of [client, bobClient]) await each.close();
});

test('a user who creates 50 rooms at the same time over 10 sockets gets all of them on every socket', async () => {
  const { url, addUser } = withoutRates;
  const { token } = await addUser();
  const clients = await Promise.all(Array.from({ length: 10 }, () => Client.connect(url, token)));
  const creations = clients.flatMap((client) =>
    Array.from({ length: 5 }, () => client.commit({ command: 'CreateRoom', text: 'a room' })),
  );
  const ids = (await Promise.all(creations)).map(({ roomId }) => roomId);
  assert.equal(new Set(ids).size, 50);
  for (const client of clients) {
    for (const roomId of ids) await client.waitForMessage({ roomId, command: 'CreateRoom', seq: 1 });
    assert.deepEqual([...new Set(ids.map((roomId) => client.seqs(roomId).join()))], ['1']);
  }
  for (const client of clients) await client.close();
});

test('a user has one rate over two gateways, sockets and HTTP, and refused commands count too', async () => {
  const { url, addUser, openAnother } = withRates;
  const other = await openAnother();
  const [ann, bob] = [await addUser('Ann'), await addUser('Bob')];
  const clients = await Promise.all([url, url, other.url].map((each) => Client.connect(each, ann.token)));
  const addition = { command: 'AddUser', roomId: newId(), targetId: bob.id } as const;
  const asked = await Promise.all(clients.flatMap((client) => Array.from({ length: 20 }, () => client.ask(addition))));
  const codes = asked.map((frame) => (frame.command === 'Error' ? frame.code : 'Ack'));
  const allowed = codes.filter((code) => code === 'no_such_room').length;
  // A gateway can refuse a little earlier, because the lease of the other gateway may stay unused.
  assert.ok(allowed > 10 && allowed <= 20, `${allowed} of ${codes.length}`);
  assert.deepEqual([...new Set(codes)].toSorted(), ['no_such_room', 'rate_limited']);
  const path = `POST /api/rooms/${newId()}/users/${bob.id}`;
  const answers = await Promise.all(Array.from({ length: 20 }, () => call(other.url, path, { token: ann.token })));
  assert.ok((countCodes(answers).no_such_room ?? 0) + allowed <= 20, JSON.stringify(countCodes(answers)));
  refused(await call(url, path, { token: bob.token }), 'no_such_room');
  for (const client of clients) await client.close();
});

test('an HTTP answer shows what is left of the rate, and a refusal also shows when to try again', async () => {
  const { url, addUser } = withRates;
  const { token } = await addUser();
  const write = () => call(url, `POST /api/messages/${newId()}`, { token, body: { text: 'Hello World!' } });
  const rateOf = ({ headers }: Answer) =>
    ['limit', 'remaining', 'reset'].map((name) => Number(headers.get(`ratelimit-${name}`)));
  assert.equal(rateOf(await call(url, 'GET /api/users/current', { token }))[0], 1_000);
  assert.deepEqual(rateOf(await write()), [MAX_COMMANDS, MAX_COMMANDS - 1, limits.USER_WINDOW_SECONDS]);
  let answer: Answer | undefined;
  while (!answer) {
    const answers = await Promise.all(Array.from({ length: MAX_COMMANDS + 10 }, write));
    answer = answers.find((each) => codeOf(each) === 'rate_limited');
  }
  const [limit, remaining, reset] = rateOf(answer) as [number, number, number];
  assert.deepEqual([limit, remaining], [MAX_COMMANDS, 0]);
  assert.ok(reset >= 1 && reset <= limits.USER_WINDOW_SECONDS, `${reset}`);
  assert.equal(answer.headers.get('retry-after'), `${reset}`);
});

test('a change of an account counts like a room command, and a user over the rate can still log out', async () => {
  const { url, addUser } = withRates;
  const { id, token } = await addUser();
  const body = { firstName: 'Ann', lastName: 'Testing', phone: '123456789', email: `${id}@example.com` };
  const update = () => call(url, 'PUT /api/users/update', { token, body });
  assert.equal((await update()).status, 200);
  const write = () => call(url, `POST /api/messages/${newId()}`, { token, body: { text: 'Hello World!' } });
  await until(async () => {
    await Promise.all(Array.from({ length: MAX_COMMANDS + 10 }, write));
    return codeOf(await update()) === 'rate_limited';
  });
  assert.equal((await call(url, 'POST /api/users/logout', { token })).status, 200);
});

test('a user creates ROOMS_PER_HOUR rooms and then still writes', async () => {
  const { url, addUser } = withRates;
  const client = await Client.connect(url, (await addUser()).token);
  const newRoom = { command: 'CreateRoom', text: 'a room' } as const;
  const { roomId } = await client.commit(newRoom);
  for (let count = 0; count < 2; count++) await client.commit(newRoom);
  const refusal = await client.ask(newRoom);
  refused(refusal, 'rate_limited');
  assert.ok(refusal.command === 'Error' && (refusal.retryAfter ?? 0) > 3_000, JSON.stringify(refusal));
  await client.commit({ command: 'CreateMessage', roomId, text: 'Hello World!' });
  await client.close();
});

test('commands of a socket keep their order, also if some of them need two counts', async () => {
  const { url, addUser } = withoutRates;
  const [ann, bob] = [await addUser('Ann'), await addUser('Bob')];
  const client = await Client.connect(url, ann.token);
  const { roomId } = await client.commit({ command: 'CreateRoom', text: 'a room' });
  const commands = ['AddUser', 'CreateMessage', 'RemoveUser', 'CreateMessage', 'AddUser', 'CreateMessage'] as const;
  for (const command of commands) client.send({ command, roomId, targetId: bob.id, text: 'Hello World!' });
  await client.waitForMessage({ roomId, seq: 7 });
  assert.deepEqual(
    client.messages(roomId).map(({ command }) => command),
    ['CreateRoom', ...commands],
  );
  await client.close();
});

test('if 20 users of one address log in at the same time, ten or more succeed, and so does a user of another address', async () => {
  const { url, database, addUser } = withQuotas;
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const bob = await createAccount(url, 'Bob', from('10.0.0.2'));
  const users = await Promise.all(Array.from({ length: 20 }, () => addUser()));
  const bobsHash = database`(select password_hash from users where id = ${bob.id})`;
  await database`update users set password_hash = ${bobsHash} where password_hash = ''`;
  const login = (email: string, address: string) =>
    call(url, 'POST /api/users/login', { body: { email, password: PASSWORD }, headers: from(address) });
  const answers = Promise.all(users.map(({ id }) => login(`${id}@example.com`, '10.0.0.1')));
  assert.equal((await login(bob.email, '10.0.0.2')).status, 200);
  const { 200: succeeded = 0, rate_limited: refusals = 0 } = countCodes(await answers);
  assert.ok(
    succeeded >= 10 && succeeded + refusals === users.length,
    `${succeeded} succeeded, ${refusals} were refused`,
  );
});
