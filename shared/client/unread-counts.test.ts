import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { Events } from './events.ts';
import type { ClientFrame, Message, Read } from './protocol.ts';
import { UnreadCounts, type UnreadSource } from './unread-counts.ts';

// The counts of a client, and a model of the gateway. The frames of the gateway may come later than messages.
// `SEED=7 RUNS=5000 npm test -- shared/client/unread-counts.test.ts` uses other cases, and more.

const RUNS = Number(process.env.RUNS ?? 2_000);
const USER = 'the user';
const ROOM = 'the room';
const SEND_EVERY_MS = 1_000;
const NOT_IN_HISTORY = ['UpdateMessage', 'DeleteMessage'];

type Command = Message['command'];
type Emitted = Parameters<UnreadSource['on']>[0];

class Model {
  readonly rows: { id: string; command: Command; isMention: boolean }[] = [
    { id: '1', command: 'CreateRoom', isMention: false },
  ];
  read = 1;
  readonly counts: UnreadCounts;
  readonly #events = new Events<Record<Emitted, never>>();
  /** What the gateway has published, and the client has not received. */
  readonly #delayed: Read[] = [];
  isConnected = false;

  constructor() {
    const source = {
      userId: USER,
      on: (name: Emitted, listener: (event: never) => unknown) => this.#events.on(name, listener),
      sendFrame: (frame: ClientFrame) => {
        if (this.isConnected) this.mark('seq' in frame ? frame.seq : 0);
        return this.isConnected;
      },
    };
    this.counts = new UnreadCounts(source as unknown as UnreadSource);
  }

  get expected() {
    const after = this.rows.slice(this.read).filter(({ command }) => !NOT_IN_HISTORY.includes(command));
    return { read: this.read, unread: after.length, mentions: after.filter(({ isMention }) => isMention).length };
  }

  mark(seq: number): void {
    this.read = Math.max(this.read, Math.min(seq, this.rows.length));
    const { unread, mentions } = this.expected;
    this.#delayed.push({ command: 'Read', roomId: ROOM, seq: this.read, head: this.rows.length, unread, mentions });
  }

  /** Frames of one connection keep their order, but different workers may publish in another one. */
  deliverRead(index: number): void {
    const [read] = this.#delayed.splice(index % (this.#delayed.length || 1), 1);
    if (read && this.isConnected) this.#events.emit('frame', read as never);
  }

  get hasDelayed(): boolean {
    return this.#delayed.length > 0;
  }

  add(command: Command, isMention: boolean, targetIndex: number): void {
    const target = this.rows[targetIndex % this.rows.length];
    const isChange = NOT_IN_HISTORY.includes(command);
    if (isChange && target?.command !== 'CreateMessage') return;
    const mentioned = isMention && command !== 'DeleteMessage';
    if (isChange && target) target.isMention = mentioned;
    const id = `${this.rows.length + 1}`;
    this.rows.push({ id, command, isMention: mentioned });
    if (this.isConnected) this.#emitMessage(this.rows.length, target?.id ?? '');
  }

  /** @param most with more missed messages, the client gets none of them */
  connect(known: number, most: number): void {
    this.isConnected = true;
    const { read, ...counts } = this.expected;
    const room = { id: ROOM, seq: this.rows.length, read, ...counts };
    this.#events.emit('frame', { command: 'Welcome', user: { id: USER }, epoch: 'an epoch', rooms: [room] } as never);
    // A message that is stored after the read of the Welcome.
    if (most === 1) this.rows.push({ id: `${this.rows.length + 1}`, command: 'CreateMessage', isMention: true });
    if (this.rows.length - known > most) this.#events.emit('resync', { roomId: ROOM, seq: this.rows.length } as never);
    else for (let seq = known + 1; seq <= this.rows.length; seq++) this.#emitMessage(seq, '');
  }

  #emitMessage(seq: number, targetId: string): void {
    const { id, command, isMention } = this.rows[seq - 1] as Model['rows'][number];
    const text = command === 'DeleteMessage' ? '' : 'a text';
    const message = { id, seq, roomId: ROOM, command, targetId, text, ...(isMention && { mentions: ['other', USER] }) };
    this.#events.emit('message', message as never);
  }
}

const step = fc.record({
  action: fc.constantFrom(
    ...(['CreateMessage', 'CreateMessage', 'UpdateRoom', 'UpdateMessage', 'DeleteMessage'] as const),
    ...(['mark', 'mark of another device', 'deliver', 'pass', 'reconnect'] as const),
  ),
  isMention: fc.boolean(),
  number: fc.nat(50),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function take(model: Model, { action, isMention, number }: Step, t: TestContext): void {
  if (action === 'mark') model.counts.markRead(ROOM, Math.min(number, model.rows.length));
  else if (action === 'mark of another device') model.mark(number);
  else if (action === 'deliver') model.deliverRead(number);
  else if (action === 'pass') t.mock.timers.tick(SEND_EVERY_MS);
  else if (action === 'reconnect') {
    const known = model.rows.length;
    model.isConnected = false;
    for (let count = 0; count < number % 4; count++) model.add('CreateMessage', isMention, 0);
    model.connect(known, number % 3);
  } else model.add(action, isMention, number);
}

test('after every mark has arrived, the counts equal those of the gateway', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const property = fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
    const model = new Model();
    model.connect(1, 0);
    for (const each of steps) take(model, each, t);
    for (let round = 0; round < 5; round++) {
      t.mock.timers.tick(SEND_EVERY_MS);
      while (model.hasDelayed) model.deliverRead(0);
    }
    assert.deepEqual(model.counts.of(ROOM), model.expected);
    assert.deepEqual(model.counts.getSnapshot().get(ROOM), model.expected);
    model.counts.close();
  });
  fc.assert(property, { seed: Number(process.env.SEED ?? 1), numRuns: RUNS });
});

test('marks of a second are sent as one, and the room shows them at once', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const model = new Model();
  model.connect(1, 0);
  for (let count = 0; count < 5; count++) model.add('CreateMessage', true, 0);
  assert.deepEqual(model.counts.of(ROOM), { read: 1, unread: 5, mentions: 5 });
  for (const seq of [3, 6, 5]) model.counts.markRead(ROOM, seq);
  assert.deepEqual([model.counts.of(ROOM), model.read], [{ read: 6, unread: 0, mentions: 0 }, 1]);
  t.mock.timers.tick(SEND_EVERY_MS);
  assert.equal(model.read, 6);
  model.add('CreateMessage', false, 0);
  assert.deepEqual(model.counts.of(ROOM), { read: 6, unread: 1, mentions: 0 });
});

test('a mark that was made offline is sent after the next Welcome', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const model = new Model();
  model.connect(1, 0);
  model.add('CreateMessage', false, 0);
  model.isConnected = false;
  model.counts.markRead(ROOM, 2);
  t.mock.timers.tick(SEND_EVERY_MS);
  assert.equal(model.read, 1);
  model.connect(2, 0);
  t.mock.timers.tick(SEND_EVERY_MS);
  assert.equal(model.read, 2);
});

test('a subscriber is called once for the changes of one turn, and not after its removal', async () => {
  const model = new Model();
  let calls = 0;
  const off = model.counts.subscribe(() => calls++);
  model.connect(1, 0);
  for (let count = 0; count < 5; count++) model.add('CreateMessage', false, 0);
  await Promise.resolve();
  assert.equal(calls, 1);
  assert.equal(model.counts.getSnapshot(), model.counts.getSnapshot());
  off();
  model.add('CreateMessage', false, 0);
  await Promise.resolve();
  assert.equal(calls, 1);
});
