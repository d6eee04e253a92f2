import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { until } from '../../test/support/until.ts';
import { Outbox, type Outcome } from './outbox.ts';
import type { Ack, Command, ErrorFrame, Retry } from './protocol.ts';
import { Refused } from './refused.ts';
import { type Locks, MemoryStore, type Store } from './store.ts';

const write = (roomId: string, text: string): Command => ({ command: 'CreateMessage', roomId, text });
const textsOf = (frames: Sent[]) => frames.map(({ text }) => text);
type Sent = { ref: string; roomId: string; text: string };

/** A connection that keeps what is sent. */
class TestSender {
  isLeaving = false;
  readonly sent: Sent[] = [];
  send(frame: object): void {
    this.sent.push(frame as Sent);
  }
}

function openOutbox(store: Store = new MemoryStore()) {
  const seen = { outcomes: [] as Outcome[], errors: [] as unknown[], logins: [] as string[] };
  const outbox = new Outbox({
    store,
    onPending: () => undefined,
    onOutcome: (outcome) => seen.outcomes.push(outcome),
    onLogin: (code) => seen.logins.push(code),
    onError: (error) => seen.errors.push(error),
  });
  const add = (command: Command, ref: string = crypto.randomUUID()) => {
    const outcome = outbox.add(command, ref);
    outcome.catch(() => undefined);
    return outcome;
  };
  return { outbox, seen, add };
}

const ackOf = ({ ref, roomId }: Sent): Ack => ({ command: 'Ack', ref, id: crypto.randomUUID(), roomId, seq: 1 });
const refusal = ({ ref }: Sent, code: string, retry: Retry): ErrorFrame => ({
  ...{ command: 'Error', error: code, code, retry, ref },
});
const last = (sender: TestSender) => sender.sent.at(-1) as Sent;

test('the commands to one room wait for each other, and those to another room do not', async () => {
  const { outbox, add } = openOutbox();
  const sender = new TestSender();
  outbox.use(sender);
  const first = add(write('tea', 'one'));
  void add(write('tea', 'two'));
  void add(write('coffee', 'three'));
  await until(() => sender.sent.length === 2);
  assert.deepEqual(textsOf(sender.sent), ['one', 'three']);
  outbox.ack(ackOf(sender.sent[0] as Sent));
  assert.equal((await first).seq, 1);
  assert.deepEqual(textsOf(sender.sent), ['one', 'three', 'two']);
});

test('a busy command is sent again with its ref, before the later ones of its room', async () => {
  const { outbox, add } = openOutbox();
  const sender = new TestSender();
  outbox.use(sender);
  void add(write('tea', 'one'));
  void add(write('tea', 'two'));
  await until(() => sender.sent.length === 1);
  outbox.refuse(refusal(last(sender), 'busy', 'same_ref'));
  await until(() => sender.sent.length === 2);
  assert.deepEqual(sender.sent[0], sender.sent[1]);
  outbox.ack(ackOf(last(sender)));
  assert.deepEqual(textsOf(sender.sent), ['one', 'one', 'two']);
});

test('the commands of a lost connection are sent again with the same refs, before new ones', async () => {
  const { outbox, add } = openOutbox();
  const [old, next] = [new TestSender(), new TestSender()];
  outbox.use(old);
  const [one, two] = [crypto.randomUUID(), crypto.randomUUID()];
  const outcome = add(write('tea', 'one'), one);
  await until(() => old.sent.length === 1);
  outbox.lose(old);
  void add(write('tea', 'two'), two);
  outbox.use(next);
  outbox.ack(ackOf(last(next)));
  await outcome;
  await until(() => next.sent.length === 2);
  assert.deepEqual(
    next.sent.map(({ ref }) => ref),
    [one, two],
  );
});

test('a connection that leaves gets no new command, and the room waits for the outcome on it', async () => {
  const { outbox, add } = openOutbox();
  const [old, next] = [new TestSender(), new TestSender()];
  outbox.use(old);
  void add(write('tea', 'one'));
  await until(() => old.sent.length === 1);
  old.isLeaving = true;
  void add(write('tea', 'two'));
  void add(write('coffee', 'three'));
  await outbox.opened();
  outbox.use(next);
  await until(() => next.sent.length === 1);
  assert.deepEqual([textsOf(old.sent), textsOf(next.sent)], [['one'], ['three']]);
  assert.deepEqual([outbox.waitsFor(old), outbox.waitsFor(next)], [true, true]);
  outbox.ack(ackOf(last(old)));
  assert.deepEqual([outbox.waitsFor(old), textsOf(next.sent)], [false, ['three', 'two']]);
});

test('a final refusal rejects the promise, and the next command of the room is sent', async () => {
  const { outbox, seen, add } = openOutbox();
  const sender = new TestSender();
  outbox.use(sender);
  const refused = add(write('tea', 'one'));
  void add(write('tea', 'two'));
  await until(() => sender.sent.length === 1);
  outbox.refuse(refusal(last(sender), 'not_a_member', 'no'));
  await assert.rejects(refused, { code: 'not_a_member', retry: 'no' });
  assert.deepEqual(textsOf(sender.sent), ['one', 'two']);
  assert.deepEqual(
    seen.outcomes.map((outcome) => outcome.refused?.code),
    ['not_a_member'],
  );
});

test('after a command that needs a new token, the outbox asks for one and sends the same again', async () => {
  const { outbox, seen, add } = openOutbox();
  const sender = new TestSender();
  outbox.use(sender);
  void add(write('tea', 'one'));
  await until(() => sender.sent.length === 1);
  outbox.refuse(refusal(last(sender), 'token_expired', 'after_login'));
  assert.deepEqual(seen.logins, ['token_expired']);
  await until(() => sender.sent.length === 2);
  assert.deepEqual(sender.sent[0], sender.sent[1]);
});

test('the commands from before a reload are sent in their order, with their refs, before new ones', async () => {
  const store = new MemoryStore();
  const before = openOutbox(store);
  const refs = [1, 2, 3].map(() => crypto.randomUUID());
  for (const ref of refs) void before.add(write('tea', ref), ref);
  await until(async () => (await store.entries('outbox/')).length === 3);

  const after = openOutbox(store);
  const sender = new TestSender();
  after.outbox.use(sender);
  void after.add(write('tea', 'new'));
  for (let count = 1; count <= 4; count++) {
    await until(() => sender.sent.length === count);
    after.outbox.ack(ackOf(last(sender)));
  }
  assert.deepEqual(textsOf(sender.sent), [...refs, 'new']);
  await until(async () => (await store.entries('outbox/')).length === 0);
});

test('the order stays, if the clock went back during the reload', async () => {
  const store = new MemoryStore();
  const clock = mock.method(Date, 'now', () => 2_000_000_000_000);
  const before = openOutbox(store);
  for (const text of ['one', 'two']) void before.add(write('tea', text), crypto.randomUUID());
  await until(async () => (await store.entries('outbox/')).length === 2);
  clock.mock.mockImplementation(() => 1_000);
  const between = openOutbox(store);
  void between.add(write('tea', 'three'));
  await until(async () => (await store.entries('outbox/')).length === 3);
  mock.reset();

  const after = openOutbox(store);
  const sender = new TestSender();
  after.outbox.use(sender);
  for (let count = 1; count <= 3; count++) {
    await until(() => sender.sent.length === count);
    after.outbox.ack(ackOf(last(sender)));
  }
  assert.deepEqual(textsOf(sender.sent), ['one', 'two', 'three']);
});

test('a command that is refused as internal again and again is given up, and can be sent with its ref later', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const { outbox, add } = openOutbox();
  const sender = new TestSender();
  outbox.use(sender);
  const outcome = add(write('tea', 'one'));
  await outbox.opened();
  while (outbox.pending.length === 1) {
    await nextTurn();
    if (sender.sent.length > 0) outbox.refuse(refusal(sender.sent.pop() as Sent, 'internal', 'same_ref'));
    mock.timers.tick(10_000);
  }
  mock.timers.reset();
  await assert.rejects(outcome, { code: 'internal', retry: 'same_ref' });
});

test('a command that was busy for long is sent again after its first refusal as internal', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const { outbox, add } = openOutbox();
  const sender = new TestSender();
  outbox.use(sender);
  const outcome = add(write('tea', 'one'));
  await outbox.opened();
  for (const code of [...Array(9).fill('busy'), 'internal']) {
    await nextTurn();
    outbox.refuse(refusal(sender.sent.pop() as Sent, code, 'same_ref'));
    mock.timers.tick(10_000);
  }
  await nextTurn();
  mock.timers.reset();
  outbox.ack(ackOf(sender.sent.pop() as Sent));
  assert.equal((await outcome).command, 'Ack');
});

test('the same ref again is the same command, and with other content it is refused', async () => {
  const { outbox, add } = openOutbox();
  const sender = new TestSender();
  outbox.use(sender);
  const ref = crypto.randomUUID();
  const both = [add(write('tea', 'one'), ref), add(write('tea', 'one'), ref)];
  await assert.rejects(add(write('tea', 'two'), ref), { code: 'ref_reused' });
  outbox.ack(ackOf(last(sender)));
  const [one, two] = await Promise.all(both);
  assert.deepEqual([one, sender.sent.length], [two, 1]);
});

test('a command that cannot be stored is not sent', async () => {
  const store = new MemoryStore();
  const { outbox, seen, add } = openOutbox(store);
  const sender = new TestSender();
  outbox.use(sender);
  await outbox.opened();
  const fault = new Error('the disk is full');
  const { change } = store;
  store.change = () => Promise.reject(fault);
  const failed = add(write('tea', 'one'));
  const next = add(write('coffee', 'two'));
  await assert.rejects(failed, { code: 'store_failed' });
  await assert.rejects(next, { code: 'store_failed' });
  store.change = change;
  void add(write('tea', 'three'));
  await until(() => sender.sent.length === 1);
  assert.deepEqual([textsOf(sender.sent), seen.errors.includes(fault)], [['three'], true]);
});

test('a command that no gateway would read is refused at once, and so is one too many', async () => {
  const { add } = openOutbox();
  await assert.rejects(add(write('tea', 'x'.repeat(20_000))), { code: 'too_long', field: 'text' });
  for (let count = 0; count < 1_000; count++) void add(write('tea', 'text'));
  await assert.rejects(add(write('tea', 'text')), { code: 'outbox_full', bound: 1_000 });
});

test('a closed outbox rejects its promises, and keeps the commands in the store', async () => {
  const store = new MemoryStore();
  const { outbox, add } = openOutbox(store);
  const outcome = add(write('tea', 'one'));
  await until(async () => (await store.entries('outbox/')).length === 1);
  await outbox.close();
  await assert.rejects(outcome, new Refused('closed', { retry: 'same_ref' }));
  await assert.rejects(add(write('tea', 'two')), { code: 'closed' });
  assert.equal((await store.entries('outbox/')).length, 1);
});

test('of two tabs, each sends its own commands, and those of a closed tab are sent by one other tab', async () => {
  const store = new MemoryStore(new TabLocks());
  const [first, second, third] = [openOutbox(store), openOutbox(store), openOutbox(store)];
  const senders = [new TestSender(), new TestSender()] as const;
  void first.add(write('tea', 'of the first'));
  await until(async () => (await store.entries('outbox/')).length === 1);
  second.outbox.use(senders[0]);
  third.outbox.use(senders[1]);
  second.outbox.adopt();
  void second.add(write('tea', 'of the second'));
  await until(() => senders[0].sent.length === 1);
  assert.deepEqual(textsOf(senders[0].sent), ['of the second']);
  second.outbox.ack(ackOf(last(senders[0])));
  await nextTurn();
  assert.equal(senders[0].sent.length, 1);

  await first.outbox.close();
  second.outbox.adopt();
  third.outbox.adopt();
  const sent = () => [...senders[0].sent, ...senders[1].sent];
  await until(() => sent().length === 2);
  assert.deepEqual(textsOf(sent()), ['of the second', 'of the first']);
});

/** The locks of the tabs of a browser, in one process. The test in Chromium uses those of Chromium. */
class TabLocks implements Locks {
  readonly #held = new Map<string, Promise<unknown>>();

  async request<T>(name: string, { ifAvailable }: { ifAvailable?: boolean }, task: (lock: unknown) => Promise<T>) {
    if (ifAvailable && this.#held.has(name)) return task(null);
    while (this.#held.has(name)) await this.#held.get(name);
    const running = task({ name });
    this.#held.set(name, running);
    return running.finally(() => this.#held.delete(name));
  }
}
