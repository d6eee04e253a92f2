import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import type { RoomType } from '../../shared/contract/fields.ts';
import { newId } from '../../shared/contract/ids.ts';
import type { RoomCommand } from '../../shared/contract/jobs.ts';
import type { Message } from '../../shared/contract/messages.ts';
import { PAYLOAD_VERSION } from '../../shared/contract/versions.ts';
import type { Database } from '../../shared/database.ts';
import { createLog } from '../../shared/log.ts';
import type { RoomCommandsContext } from '../../workers/apply-room-commands.ts';
import { createMessages } from '../../workers/create-messages.ts';
import { unknownTime } from '../../workers/database-time.ts';
import { LockedRows } from '../../workers/locked-rows.ts';

/** A row of the SQL type `room_outcome`. */
export interface OutcomeRow {
  commandId: string;
  code: string | null;
  isNew: boolean;
  /** As Postgres writes it in JSON, with the names of the columns. */
  message: (Pick<Message, 'id' | 'seq' | 'text'> & Record<string, unknown>) | null;
}

export const inOneMinute = () => new Date(Date.now() + 60_000).toISOString();
export const aSecondAgo = () => new Date(Date.now() - 1_000).toISOString();

/** Creates a command in the form in which a gateway sends it, with a new id and a new ref. */
export function roomCommand(
  command: RoomCommand['command'],
  actorId: string,
  roomId: string,
  more: Partial<RoomCommand> = {},
): RoomCommand & { roomId: string } {
  const required = { id: newId(), ref: randomUUID(), deadline: inOneMinute() };
  return { ...required, command, actorId, targetId: roomId, text: 'Hello World!', ...more, roomId };
}

/** The command has the id that the room will get. A gateway sends a CreateRoom without an id. */
export function createRoomCommand(ownerId: string, roomType: RoomType = 'Private') {
  const ref = randomUUID();
  return roomCommand('CreateRoom', ownerId, createdRoomId(ownerId, ref), { text: 'a room', roomType, ref });
}

/** A copy of the SQL function created_room_id: the same command must get the same id at any time. */
export function createdRoomId(creatorId: string, ref: string): string {
  const bytes = Buffer.from((creatorId + ref).replaceAll('-', ''), 'hex');
  const hash = createHash('sha256').update(bytes).digest('hex');
  const groups = [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`, `8${hash.slice(17, 20)}`];
  return [...groups, hash.slice(20, 32)].join('-');
}

/** What a worker needs to apply room commands, except its connections to Redis. */
export function workerContext(database: Database, log = createLog('test', 'silent')): RoomCommandsContext {
  return { database, databaseTime: unknownTime, lockedRows: new LockedRows(), log };
}

/** Calls the functions of sql/functions in the same way as a worker. */
export function roomCommands(database: Database) {
  const json = (value: unknown) => database.json(JSON.parse(JSON.stringify(value)));

  /** @returns the rows in the order in which Postgres answers */
  const applyBatch = (
    laneKey: string,
    number: number,
    commands: unknown[],
    {
      oneByOne = false,
      follows = null as number | null,
      sentAt = null as string | null,
      suspects = [] as string[],
    } = {},
  ): Promise<OutcomeRow[]> =>
    database<OutcomeRow[]>`
      select command_id, code, is_new, to_json(message) as message
      from apply_room_commands(
        ${laneKey}, ${number}, ${follows}, ${json(commands)}, ${sentAt}, ${`{${suspects.join()}}`}, ${oneByOne}, null
      )`;

  /** Applies the commands as the first batch of a new lane. @returns the outcomes in the order of the commands */
  async function apply(...commands: RoomCommand[]): Promise<OutcomeRow[]> {
    const rows = await applyBatch(newId(), 1, commands);
    return commands.map(({ id }) => rows.find(({ commandId }) => commandId === id) as OutcomeRow);
  }

  return {
    applyBatch,
    apply,

    /** Applies CreateMessage commands as a batch with `apply_create_messages`. See createMessages of workers/. */
    create: (commands: RoomCommand[], laneKey = newId(), number = 0, sentAt: string | null = null) =>
      createMessages(
        database,
        laneKey,
        { v: PAYLOAD_VERSION, gateway: newId(), lane: 0, number, commands },
        { sentAt, rowWaitMs: null },
      ),

    async createUser(firstName = 'Tester', roles = ['user']): Promise<string> {
      const id = newId();
      await database`
        insert into users (id, first_name, last_name, email, password_hash, roles)
        values (${id}, ${firstName}, 'Testing', ${`${id}@example.com`}, '', string_to_array(${roles.join()}, ','))`;
      await database`insert into memberships (room_id, user_id) select id, ${id} from rooms where owner_id is null`;
      return id;
    },

    /** Creates a room. @returns its id */
    async createRoom(ownerId: string, roomType?: RoomType): Promise<string> {
      const creation = createRoomCommand(ownerId, roomType);
      const [outcome] = await apply(creation);
      assert.equal(outcome?.code, null);
      return creation.roomId;
    },

    async seqsOf(roomId: string): Promise<number[]> {
      const rows = await database`select seq from messages where room_id = ${roomId} order by seq`;
      return rows.map(({ seq }) => seq);
    },
  };
}

export const codesOf = (outcomes: OutcomeRow[]) => outcomes.map(({ code }) => code);
export const seqsOfOutcomes = (outcomes: OutcomeRow[]) => outcomes.map(({ message }) => message?.seq ?? null);
