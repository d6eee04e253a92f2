import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasMoved } from '../gateway/commands/read-marks.ts';
import { BEFORE_ALL_ROOMS } from '../gateway/reads/attachment-reads.ts';
import { createReads } from '../gateway/reads/reads.ts';
import { newId } from '../shared/contract/ids.ts';
import type { RoomCommand } from '../shared/contract/jobs.ts';
import { PAYLOAD_VERSION } from '../shared/contract/versions.ts';
import { createLog } from '../shared/log.ts';
import { applyReadMarks } from '../workers/apply-read-marks.ts';
import { roomCommand, roomCommands } from './support/sql-room-commands.ts';
import { openTestDatabase } from './support/system.ts';
import { connectAsTest } from './support/test-database.ts';

// Random commands and marks. `SEED=7 RUNS=500 npm test -- test/unread-counts.test.ts` uses others, and more.

const RUNS = Number(process.env.RUNS ?? 40);
const NAMES = ['Ann', 'Bob', 'Cid'];
const MENTIONS = NAMES.map((name) => new RegExp(`(^|\\W)@${name}\\b`, 'i'));
const IN_HISTORY = ['CreateMessage', 'AddUser', 'RemoveUser', 'CreateRoom', 'UpdateRoom'];

const { database, url } = await openTestDatabase();
const { apply, createUser, createRoom } = roomCommands(database);
const reads = createReads(database);
const log = createLog('test', 'silent');

const plan = fc.record({
  command: fc.constantFrom(
    ...(['CreateMessage', 'CreateMessage', 'UpdateMessage', 'DeleteMessage', 'UpdateRoom'] as const),
    ...(['AddUser', 'RemoveUser', 'MarkRead', 'MarkRead'] as const),
  ),
  user: fc.nat(2),
  text: fc.constantFrom('Hello!', '@Ann, hello', '@bob and @Cid Testing', 'mail@ann.example', '@ann @Ann @BOB!'),
  message: fc.nat(),
});
type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never;

interface Counts {
  seq: number;
  head: number;
  unread: number;
  mentions: number;
}

/** A room of three users, and how far each member has read it by the rules of docs/protocol.md. */
class Scene {
  readonly users: string[];
  readonly roomId: string;
  /** Undefined while the user is not a member. */
  readonly marks = new Map<string, number>();
  readonly #rows: { id: string; userId: string; command: string; mentions: string[] }[] = [];

  constructor(users: string[], roomId: string) {
    this.users = users;
    this.roomId = roomId;
    this.#note('CreateRoom', users[0] as string, newId(), []);
    this.marks.set(users[0] as string, 1);
  }

  async apply({ command, user, message, text }: Plan): Promise<void> {
    const userId = this.users[user] as string;
    if (command === 'MarkRead') return this.#mark(userId, message % (this.#rows.length + 3));
    const own = this.#rows.filter((row) => row.command === 'CreateMessage' && row.userId === userId);
    const isAboutUser = command === 'AddUser' || command === 'RemoveUser';
    const isChange = command === 'UpdateMessage' || command === 'DeleteMessage';
    const target = own[message % (own.length || 1)]?.id ?? newId();
    const actorId = isAboutUser || command === 'UpdateRoom' ? (this.users[0] as string) : userId;
    const targetId = isAboutUser ? userId : isChange ? target : this.roomId;
    const made = roomCommand(command, actorId, this.roomId, { targetId, text, ref: randomUUID() });
    const [outcome] = await apply(made);
    if (outcome?.code !== null) return;
    const mentions = this.#membersIn(text);
    this.#note(command, actorId, made.id, command === 'CreateMessage' ? mentions : []);
    const edited = isChange && this.#rows.find(({ id }) => id === target);
    if (edited) edited.mentions = command === 'UpdateMessage' ? mentions : [];
    if (command === 'AddUser') this.marks.set(userId, this.#rows.length);
    if (command === 'RemoveUser') this.marks.delete(userId);
  }

  /** The rows after the mark, one by one. */
  expected(userId: string): Counts | undefined {
    const seq = this.marks.get(userId);
    if (seq === undefined) return undefined;
    const unread = this.#rows.slice(seq).filter(({ command }) => IN_HISTORY.includes(command)).length;
    const mentions = this.#rows.slice(seq).filter((row) => row.mentions.includes(userId)).length;
    return { seq, head: this.#rows.length, unread, mentions };
  }

  async #mark(userId: string, seq: number): Promise<void> {
    const before = this.marks.get(userId);
    if (before !== undefined) this.marks.set(userId, Math.max(before, Math.min(seq, this.#rows.length)));
    const [outcome] = await markRead({ userId, roomId: this.roomId, seq });
    assert.deepEqual(outcome, this.expected(userId) ?? { code: 'not_a_member' });
  }

  /** Each user has another first name. */
  #membersIn(text: string): string[] {
    return this.users.filter((id, index) => this.marks.has(id) && MENTIONS[index]?.test(text));
  }

  #note(command: RoomCommand['command'], userId: string, id: string, mentions: string[]): void {
    this.#rows.push({ id, userId, command, mentions });
  }
}

async function markRead(...commands: { userId: string; roomId: string; seq: number }[]) {
  const batch = { v: PAYLOAD_VERSION, gateway: newId(), lane: 0, number: 0, commands } as const;
  return (await applyReadMarks({ database, log }, { ...batch })).outcomes;
}

/** What the two reads of a `Welcome` have. */
async function storedCounts(userId: string, roomId: string): Promise<(Counts | undefined)[]> {
  const bearer = { userId, tokenId: newId(), version: 0 };
  const { rooms } = await reads.attachment({ bearer, roomsAfter: BEFORE_ALL_ROOMS });
  const lists = [rooms, await reads.membershipsIn(userId, [roomId])];
  return lists.map((list) => {
    const found = list.find((each) => each.roomId === roomId);
    return found && { seq: found.read, head: found.head, unread: found.unread, mentions: found.mentions };
  });
}

test('after random commands and marks, unread is the number of messages that the history shows after the mark', async () => {
  const seen = new Set<number>();
  const property = fc.asyncProperty(fc.array(plan, { minLength: 20, maxLength: 40, size: 'max' }), async (plans) => {
    const users = await Promise.all(NAMES.map((name) => createUser(name)));
    const scene = new Scene(users, await createRoom(users[0] as string, 'Public'));
    for (const each of plans) await scene.apply(each);
    for (const userId of users) {
      const expected = scene.expected(userId);
      assert.deepEqual(await storedCounts(userId, scene.roomId), [expected, expected]);
      seen.add(expected?.unread ?? -1);
    }
  });
  await fc.assert(property, { seed: Number(process.env.SEED ?? 1), numRuns: RUNS });
  // Some users are not members, some have read everything, and some have not.
  assert.ok(seen.has(-1) && seen.has(0) && seen.size > 5, `${[...seen]}`);
});

test('marks of one batch are stored together, and each gets its own outcome', async () => {
  const [ann, bob] = [await createUser('Ann'), await createUser('Bob')];
  const [roomId, secretId] = [await createRoom(ann, 'Public'), await createRoom(ann)];
  await apply(...Array.from({ length: 4 }, () => roomCommand('CreateMessage', ann, roomId)));
  const mark = (userId: string, id: string, seq: number) => ({ userId, roomId: id, seq });
  const outcomes = await markRead(
    ...[mark(ann, roomId, 2), mark(bob, roomId, 5), mark(bob, secretId, 1), mark(ann, newId(), 1)],
    ...[mark(ann, secretId, 1_000_000), mark(ann, roomId, 4), { seq: 'no mark' } as never],
  );
  const ofRoom = { seq: 4, head: 5, unread: 1, mentions: 0 };
  assert.deepEqual(outcomes, [
    ...[ofRoom, { code: 'not_a_member' }, { code: 'no_such_room' }, { code: 'no_such_room' }],
    ...[{ seq: 1, head: 1, unread: 0, mentions: 0 }, ofRoom, { code: 'internal' }],
  ]);
});

test('a mark waits for nobody: it does not move while another session has locked its membership', async () => {
  const ann = await createUser('Ann');
  const roomId = await createRoom(ann);
  await apply(roomCommand('CreateMessage', ann, roomId));
  const session = connectAsTest(url, 1);
  await session`begin`;
  await session`select from memberships where room_id = ${roomId} for update`;
  const mark = { userId: ann, roomId, seq: 2 };
  const [outcome] = await markRead(mark);
  assert.deepEqual(outcome, { seq: 1, head: 2, unread: 1, mentions: 0 });
  assert.equal(hasMoved(mark, outcome as Counts), false);
  await session`rollback`;
  await session.end();
  assert.deepEqual(await markRead(mark), [{ seq: 2, head: 2, unread: 0, mentions: 0 }]);
});

test('everything before the registration is read, and everything before an upgrade or an import', async () => {
  const [ann, bob] = [await createUser('Ann'), newId()];
  await apply(...Array.from({ length: 3 }, () => roomCommand('CreateMessage', ann, 'general')));
  const account = { id: bob, firstName: 'Bob', lastName: 'Testing', email: `${bob}@example.com`, passwordHash: '' };
  await database`select register(${database.json({ ...account, proven: false })}, false)`;
  const [general] = await storedCounts(bob, 'general');
  assert.deepEqual(general, { seq: 3, head: 3, unread: 0, mentions: 0 });
  const roomId = await createRoom(ann);
  await apply(...Array.from({ length: 3 }, () => roomCommand('CreateMessage', ann, roomId)));
  await database`update rooms set read_by_all = 2 where id = ${roomId}`;
  assert.deepEqual(await storedCounts(ann, roomId), Array(2).fill({ seq: 2, head: 4, unread: 2, mentions: 0 }));
});
