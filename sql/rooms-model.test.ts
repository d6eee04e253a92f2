import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { commandNames } from '../shared/contract/commands.ts';
import { newId } from '../shared/contract/ids.ts';
import { connectDatabase } from '../shared/database.ts';
import { quotaSettings } from '../shared/quotas.ts';
import { type Age, type ModelCommand, type ModelOutcome, RoomsModel } from '../test/support/rooms-model.ts';
import { createdRoomId, roomCommands } from '../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../test/support/system.ts';

// Random commands of 3 users in 3 rooms, applied by Postgres and by a model. `SEED=7 RUNS=1000 npm test --
// sql/rooms-model.test.ts` uses other commands, and more.

const RUNS = Number(process.env.RUNS ?? 60);
const MIN_BATCHES = 10;
const MAX_BATCHES = 30;
const QUOTAS = { ownedRooms: 1, joinedRooms: 1, edits: 1 };
const NO_QUOTAS = { ownedRooms: Infinity, joinedRooms: Infinity, edits: Infinity };
/** The creator of each of the three rooms. */
const CREATORS = [0, 0, 1];
/** Most other commands need what these do. */
const FREQUENT = ['CreateRoom', 'AddUser', 'CreateMessage', 'UpdateMessage'] as const;
const ROOM_TYPES = ['Private', 'Public', 'ReadOnly'] as const;
const DEADLINES: Record<Age, number> = { normal: 9_000, renewed: 7_200_000, passed: -1_000 };

const { database, url } = await openTestDatabase();
const settings = quotaSettings({
  OWNED_ROOMS_PER_USER: QUOTAS.ownedRooms,
  ROOMS_PER_USER: QUOTAS.joinedRooms,
  EDITS_PER_MESSAGE: QUOTAS.edits,
});
const limited = connectDatabase(url, { name: 'rooms-test', max: 4, readOnly: false, timeout: 0, settings });
after(() => limited.end());

/** A command before it is known which users, rooms and messages exist. Numbers are places in lists. */
const plan = fc.record({
  command: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...commandNames) },
    { weight: 6, arbitrary: fc.constantFrom(...FREQUENT) },
  ),
  actor: fc.constantFrom(0, 0, 1, 2),
  room: fc.constantFrom(0, 0, 1, 2),
  /** A user, or none of them. */
  user: fc.nat(3),
  message: fc.nat(),
  text: fc.constantFrom('one', 'two', 'a "quoted" \\ {text}'),
  roomType: fc.constantFrom(...ROOM_TYPES),
  /** A new ref, the same command again, or another command with a ref that was used. */
  ref: fc.constantFrom('new', 'new', 'new', 'same', 'reused'),
  earlier: fc.nat(),
});
type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never;

/** Only a batch of one command is renewed: in a batch, the time of a refusal is not known exactly. */
const batch = fc.oneof(
  fc.record({
    plans: fc.array(plan, { minLength: 1, maxLength: 4 }),
    age: fc.constantFrom<Age>('normal', 'normal', 'normal', 'normal', 'passed'),
  }),
  fc.record({ plans: fc.tuple(plan), age: fc.constant<Age>('renewed') }),
);

/** One database and one model, with three new users and the ids of three rooms. */
class Scene {
  readonly model: RoomsModel;
  readonly sql: ReturnType<typeof roomCommands>;
  readonly userIds: string[];
  readonly #refs = CREATORS.map(() => randomUUID());
  readonly #commands: ModelCommand[] = [];

  constructor(userIds: string[], isLimited: boolean) {
    const users = userIds.map((id, index) => [id, { firstName: `User${index}`, isAdmin: index === 2 }] as const);
    this.userIds = userIds;
    this.model = new RoomsModel(new Map(users), isLimited ? QUOTAS : NO_QUOTAS);
    this.sql = roomCommands(isLimited ? limited : database);
  }

  get roomIds(): string[] {
    return CREATORS.map((creator, index) =>
      createdRoomId(this.userIds[creator] as string, this.#refs[index] as string),
    );
  }

  /** Applies a batch in the model and in Postgres. @returns both lists of outcomes */
  async apply(plans: readonly Plan[], age: Age): Promise<{ expected: ModelOutcome[]; actual: ModelOutcome[] }> {
    const deadline = new Date(Date.now() + DEADLINES[age]).toISOString();
    const commands: ModelCommand[] = [];
    const expected = plans.map((each) => {
      const command = this.#commandOf(each, deadline);
      commands.push(command);
      this.#commands.push(command);
      return this.model.apply(command, age);
    });
    const actual = await this.#applyInPostgres(commands);
    // Every refusal counts as younger than every later command that is not renewed.
    await database`update refusals set refused_at = now() + interval '1 hour'`;
    return { expected, actual };
  }

  /** As a worker: in the cheap way if that is possible. */
  async #applyInPostgres(commands: ModelCommand[]): Promise<ModelOutcome[]> {
    const created = await this.sql.create(commands);
    if (created) return created.map(({ seq }) => ({ seq, isNew: true }));
    const outcomes = await this.sql.apply(...commands);
    return outcomes.map(({ code, isNew, message }) => (code === null ? { seq: message?.seq ?? 0, isNew } : { code }));
  }

  #commandOf(each: Plan, deadline: string): ModelCommand {
    const earlier = this.#commands[each.earlier % this.#commands.length];
    const renewal = { id: newId(), deadline };
    if (each.ref === 'same' && earlier) return { ...earlier, ...renewal };
    const isCreation = each.command === 'CreateRoom';
    const actorId = this.userIds[isCreation ? (CREATORS[each.room] as number) : each.actor] as string;
    const roomId = this.#roomOf(each);
    const command: ModelCommand = {
      ...{ ...renewal, ref: isCreation ? (this.#refs[each.room] as string) : randomUUID() },
      ...{ command: each.command, actorId, roomId, targetId: this.#targetOf(each, roomId, actorId), text: each.text },
      ...(isCreation && { roomType: each.roomType }),
    };
    if (each.ref !== 'reused' || !earlier || isCreation || earlier.command === 'CreateRoom') return command;
    const { ref, actorId: earlierActor, roomId: earlierRoom } = earlier;
    return {
      ...command,
      ref,
      actorId: earlierActor,
      roomId: earlierRoom,
      targetId: this.#targetOf(each, earlierRoom, earlierActor),
    };
  }

  /** Mostly a room that exists: in another room, every command except its creation is refused. */
  #roomOf({ command, room, message }: Plan): string {
    const existing = [...this.model.rooms].filter(([, { isDeleted }]) => !isDeleted).map(([id]) => id);
    const isAny = command === 'CreateRoom' || message % 8 === 0 || existing.length === 0;
    return (isAny ? this.roomIds[room] : existing[room % existing.length]) as string;
  }

  #targetOf({ command, user, message }: Plan, roomId: string, actorId: string): string {
    if (command === 'AddUser' || command === 'RemoveUser') return this.userIds[user] ?? newId();
    if (command !== 'UpdateMessage' && command !== 'DeleteMessage') return roomId;
    const all = [...this.model.rooms.values()].flatMap((room) => room.rows);
    const editable =
      this.model.rooms.get(roomId)?.rows.filter((row) => row.userId === actorId && row.command === 'CreateMessage') ??
      [];
    const rows = message % 3 === 0 || editable.length === 0 ? all : editable.slice(0, 1);
    return rows[message % rows.length]?.id ?? newId();
  }
}

/** What Postgres has about the rooms of the scene, in the form of {@link expectedState}. */
async function storedState({ roomIds, userIds }: Scene) {
  const ids = `{${roomIds.join()}}`;
  const rooms = await database`
    select id, name, room_type, owner_id, seq, history_length, deleted_at is not null as is_deleted
    from rooms where id = any (${ids}::uuid[]) order by id`;
  const members = await database`
    select room_id, user_id, seq from memberships where room_id = any (${ids}::uuid[]) order by room_id, user_id`;
  const ended = await database`
    select room_id, user_id, first_seq, last_seq from ended_memberships where room_id = any (${ids}::uuid[])
    order by room_id, last_seq, user_id`;
  const rows = await database`
    select room_id, id, seq, user_id, command, target_id, text, name, last_change, ref, history_index
    from messages where room_id = any (${ids}::uuid[]) order by room_id, seq`;
  const visible = await database`
    select viewer as user_id, room.id from unnest(${`{${userIds.join()}}`}::uuid[]) viewer, visible_rooms(viewer) room
    where room.id = any (${ids}::uuid[]) order by viewer, room.id`;
  return { rooms: [...rooms], members: [...members], ended: [...ended], rows: [...rows], visible: [...visible] };
}

const IN_HISTORY = ['CreateMessage', 'AddUser', 'RemoveUser', 'CreateRoom', 'UpdateRoom'];

function expectedState({ model, userIds }: Scene): Awaited<ReturnType<typeof storedState>> {
  const rooms = [...model.rooms].sort(([a], [b]) => (a < b ? -1 : 1));
  const historyLength = (rows: { command: string }[]) =>
    rows.filter(({ command }) => IN_HISTORY.includes(command)).length;
  return {
    rooms: rooms.map(([id, { name, roomType, ownerId, rows, isDeleted }]) => ({
      ...{ id, name, roomType, ownerId, seq: rows.length, historyLength: historyLength(rows), isDeleted },
    })),
    members: rooms.flatMap(([roomId, { members }]) =>
      [...members].sort().map(([userId, seq]) => ({ roomId, userId, seq })),
    ),
    ended: rooms.flatMap(([roomId, { ended }]) =>
      ended
        .toSorted((a, b) => a.lastSeq - b.lastSeq || (a.userId < b.userId ? -1 : 1))
        .map((each) => ({ roomId, ...each })),
    ),
    rows: rooms.flatMap(([roomId, { rows }]) =>
      rows.map((row, index) => ({ roomId, ...row, historyIndex: historyLength(rows.slice(0, index + 1)) })),
    ),
    visible: userIds
      .toSorted()
      .flatMap((userId) => rooms.filter(([id]) => model.visible(id, userId)).map(([id]) => ({ userId, id }))),
  };
}

async function run(batches: { plans: readonly Plan[]; age: Age }[], isLimited: boolean): Promise<Set<string>> {
  const roles = [['user'], ['user'], ['user', 'admin']];
  const userIds = await Promise.all(
    roles.map((each, index) => roomCommands(database).createUser(`User${index}`, each)),
  );
  const scene = new Scene(userIds, isLimited);
  const seen = new Set<string>();
  for (const { plans, age } of batches) {
    const { expected, actual } = await scene.apply(plans, age);
    assert.deepEqual(actual, expected);
    for (const outcome of expected) seen.add('code' in outcome ? outcome.code : `new: ${outcome.isNew}`);
  }
  assert.deepEqual(await storedState(scene), expectedState(scene));
  return seen;
}

test('random commands have the outcomes, the rows and the visible rooms of the model', async () => {
  const seen = new Set<string>();
  const property = fc.asyncProperty(
    fc.array(batch, { minLength: MIN_BATCHES, maxLength: MAX_BATCHES, size: 'max' }),
    fc.boolean(),
    async (batches, isLimited) => {
      for (const each of await run(batches, isLimited)) seen.add(each);
    },
  );
  await fc.assert(property, { seed: Number(process.env.SEED ?? 1), numRuns: RUNS });
  // The commands reach every outcome of the model.
  const codes = ['already_in_room', 'author_only', 'expired', 'no_such_message', 'no_such_room', 'no_such_user'];
  codes.push('not_a_member', 'not_editable', 'owner_only', 'owner_stays', 'read_only_room', 'ref_reused');
  codes.push('too_many_edits', 'too_many_owned_rooms', 'too_many_rooms', 'user_not_in_room', 'new: true', 'new: false');
  if (RUNS >= 60) assert.deepEqual([...seen].sort(), codes.sort());
});
