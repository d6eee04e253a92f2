import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import type { Ack } from '../shared/client/protocol.ts';
import { MemoryStore } from '../shared/client/store.ts';
import { createAccount, PASSWORD, signToken } from './support/client.ts';
import {
  API_SECRET,
  addUser,
  database,
  openAnother,
  openClient,
  openRoom,
  proxy,
  readLog,
  seqsOf,
  url,
} from './support/library-clients.ts';
import { testServices } from './support/system.ts';
import { until } from './support/until.ts';
import { from } from './support/whole-numbers.ts';

// The client library over real sockets, while links, gateways, tokens and programs fail.

test('over a link that breaks again and again, nothing is lost or doubled, and each promise is true', async () => {
  const { ann, bobId, roomId } = await openRoom();
  const bob = await openClient(bobId);
  const view = bob.client.room(roomId);
  const outcomes: Promise<Ack>[] = [];
  const texts = from(1, 40).map((number) => `message ${number}`);
  for (const [index, text] of texts.entries()) {
    outcomes.push(ann.client.write(roomId, text));
    if (index % 13 === 5) {
      await until(() => ann.seen.outcomes.length > index / 2);
      proxy.cut(index % 2 ? 'rst' : 'fin');
    }
  }
  const acks = await Promise.all(outcomes);
  const log = await readLog(ann.client, roomId);
  assert.deepEqual(
    log.slice(2).map(({ text }) => text),
    texts,
  );
  assert.deepEqual(
    acks.map(({ seq }) => seq),
    from(3, 42),
  );
  assert.deepEqual(
    acks.map(({ id }) => id),
    log.slice(2).map(({ id }) => id),
  );
  await until(
    () => seqsOf(bob.seen.messages, roomId).at(-1) === 42,
    10_000,
    () => inspect(bob.seen.states),
  );
  assert.deepEqual(seqsOf(bob.seen.messages, roomId), from(3, 42));
  await until(() => view.getSnapshot().status === 'ready' && view.getSnapshot().messages.length === 42);
  assert.deepEqual(bob.seen.events, []);
  assert.ok(ann.seen.states.filter((state) => state === 'live: resumed').length > 2, inspect(ann.seen.states));
});

test('lost acks: after a reload, the same commands have the same seqs, and are reported as outcomes', async () => {
  const { bobId, roomId } = await openRoom();
  const store = new MemoryStore();
  const before = await openClient(bobId, { store });
  proxy.onReply = () => undefined;
  const refs = from(1, 2).map(() => crypto.randomUUID());
  const lost = refs.map((ref) => before.client.write(roomId, ref, ref).catch(({ code }) => code));
  await until(async () => (await database`select from messages where ref = ${refs[0] ?? ''}`).length === 1);
  await before.client.close();
  assert.deepEqual(await Promise.all(lost), ['closed', 'closed']);

  proxy.heal();
  const after = await openClient(bobId, { store });
  await until(() => after.seen.outcomes.length === 2);
  assert.deepEqual(after.seen.outcomes, [`${refs[0]}: 3`, `${refs[1]}: 4`]);
  assert.deepEqual(
    (await readLog(after.client, roomId)).slice(2).map(({ text }) => text),
    refs,
  );
  assert.deepEqual([after.client.outbox, await store.entries('outbox/')], [[], []]);
});

test('a client moves to another gateway when its gateway stops, and its commands keep their order', async () => {
  const [{ gateway: first, url: firstUrl }, { url: secondUrl }] = [await openAnother(), await openAnother()];
  proxy.target = firstUrl;
  const { ann, bobId, roomId } = await openRoom();
  const bob = await openClient(bobId);
  const before = ann.seen.states.length;
  const outcomes = from(1, 10).map((number) => ann.client.write(roomId, `before ${number}`));
  proxy.target = secondUrl;
  const stopped = first.stop();
  outcomes.push(...from(1, 10).map((number) => ann.client.write(roomId, `after ${number}`)));
  await Promise.all([...outcomes, stopped]);
  const last = await ann.client.write(roomId, 'the last one');
  assert.equal(last.seq, 23);
  await until(() => seqsOf(bob.seen.messages, roomId).at(-1) === 23);
  assert.deepEqual(seqsOf(bob.seen.messages, roomId), from(3, 23));
  const texts = [...from(1, 10).map((number) => `before ${number}`), ...from(1, 10).map((number) => `after ${number}`)];
  assert.deepEqual(
    (await readLog(ann.client, roomId)).slice(2).map(({ text }) => text),
    [...texts, 'the last one'],
  );
  // A gateway that is quicker than the client ends the old connection before the new one is there.
  assert.match(ann.seen.states.slice(before).join(), /^((offline|connecting).*|recovering: going_away),live: resumed$/);
});

test('a token that expires in the middle of a connection is replaced, and no message is missed', async () => {
  const { ann, bobId, roomId } = await openRoom();
  const codes: (string | undefined)[] = [];
  const token = (code?: string) => {
    codes.push(code);
    return signToken(API_SECRET, bobId, codes.length === 1 ? '2s' : '1h');
  };
  const bob = await openClient(bobId, { token });
  const first = await bob.client.write(roomId, 'with the first token');
  await until(() => codes.length === 2);
  const outcomes = [ann.client.write(roomId, 'meanwhile'), bob.client.write(roomId, 'with the second token')];
  const seqs = (await Promise.all(outcomes)).map(({ seq }) => seq);
  assert.deepEqual([first.seq, ...seqs.toSorted()], [3, 4, 5]);
  await until(() => seqsOf(bob.seen.messages, roomId).length === 3);
  assert.deepEqual(seqsOf(bob.seen.messages, roomId), [3, 4, 5]);
  assert.deepEqual(codes, [undefined, 'token_expired']);
});

test('a client whose new token is refused too gets a third one', async () => {
  const { id } = await addUser();
  const lifetimes = ['-1s', '-1s'];
  const { client } = await openClient(id, { token: () => signToken(API_SECRET, id, lifetimes.shift() ?? '1h') });
  assert.deepEqual([client.state, lifetimes], ['live', []]);
});

test('a client with a token that is refused is closed, and connect() rejects with the code', async () => {
  const { id } = await addUser();
  const token = await signToken(API_SECRET, id, '-1s');
  await assert.rejects(openClient(id, { token }), { code: 'token_expired' });
  await assert.rejects(openClient(id, { token: undefined, email: 'nobody@example.com', password: 'a password' }), {
    code: 'wrong_credentials',
  });
});

test('a store of another user is not used: the client is closed, and nothing is sent', async () => {
  const { bobId, annId, roomId, ann } = await openRoom();
  const store = new MemoryStore();
  const bob = await openClient(bobId, { store });
  await bob.client.write(roomId, 'of Bob');
  await bob.client.close();
  await assert.rejects(openClient(annId, { store }), { code: 'other_user' });
  assert.equal((await ann.client.write(roomId, 'of Ann')).seq, 4);
});

test('the bot of the examples answers each ping once, also if it is killed and started again', async () => {
  const { ann, roomId } = await openRoom();
  const account = await createAccount(url, 'Robot');
  await ann.client.send({ command: 'AddUser', roomId, targetId: account.id });
  const folder = mkdtempSync(join(testServices().home, 'bot-'));
  const program = join(import.meta.dirname, '../shared/client/examples/bot.ts');
  const startBot = () =>
    spawn(process.execPath, [program, proxy.url, account.email, PASSWORD, join(folder, 'bot.json')]);
  const pongs = () => ann.seen.messages.filter(({ text }) => text === 'pong').length;

  let bot = startBot();
  after(() => bot.kill('SIGKILL'));
  const isThere = () => readFileSync(join(folder, 'bot.json'), 'utf8').includes(roomId);
  await until(() => existsSync(join(folder, 'bot.json')) && isThere());
  for (const number of from(1, 2)) {
    await ann.client.write(roomId, 'ping');
    await until(() => pongs() === 2 * number - 1);
    const ended = once(bot, 'exit');
    bot.kill('SIGKILL');
    await ended;
    await ann.client.write(roomId, 'ping');
    bot = startBot();
    await until(() => pongs() === 2 * number);
  }
  const log = await readLog(ann.client, roomId);
  const pingIds = log.filter(({ text }) => text === 'ping').map(({ id }) => id);
  assert.deepEqual(
    log.filter(({ text }) => text === 'pong').map(({ ref }) => ref),
    pingIds,
  );
});
