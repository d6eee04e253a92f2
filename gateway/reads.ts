import type { Database } from '../shared/database.ts';
import type { Message } from '../shared/messages.ts';
import { withPatience } from '../shared/patience.ts';

const MOST_ROOMS = 100;
const MOST_USERS = 100;

interface User {
  id: string;
  createdAt: Date;
  updatedAt: Date;
  firstName: string;
  lastName: string;
  email: string;
  roles: string[];
  rooms: string[];
}

interface Room {
  id: string;
  createdAt: Date;
  updatedAt: Date;
  name: string;
  ownerId: string | null;
  roomType: string;
  /** The first hundred who came in. */
  users: { id: string; firstName: string; lastName: string }[];
}

interface HistoryRange {
  page?: number | undefined;
  before?: number | undefined;
  after?: number | undefined;
  size: number;
}

/** Where a user is a member, as of one moment. */
export interface Membership {
  roomId: string;
  /** The message with which he came in. */
  seq: number;
  /** The room's last message at that moment. */
  head: number;
}

export type Reads = ReturnType<typeof allReads>;

/** Milliseconds; Postgres gives a statement up before that. */
const MOST_PATIENCE = 12_000;

/** All that a gateway asks Postgres for. @param database connections that cannot write */
export function createReads(database: Database): Reads {
  const reads = Object.entries<(...asked: never[]) => Promise<unknown>>(allReads(database));
  const patient = reads.map(([name, read]) => [
    name,
    (...asked: never[]) => withPatience(read(...asked), MOST_PATIENCE),
  ]);
  return Object.fromEntries(patient) as Reads;
}

function allReads(database: Database) {
  const message = database`
    id, seq, room_id, user_id, command, target_id, text, created_at, updated_at, ref from messages`;

  // As the index messages_history has it, to the letter.
  const shown = database`command in ('CreateMessage', 'AddUser', 'RemoveUser', 'CreateRoom', 'UpdateRoom')`;

  /** A room is visible to its members, and to everyone if it is not private. */
  const visibleTo = (userId: string) => database`
    deleted_at is null and (room_type <> 'Private' or exists (select from memberships where room_id = rooms.id and user_id = ${userId}))`;

  const room = database`
    id, created_at, updated_at, name, owner_id, room_type, (
      select coalesce(json_agg(json_build_object('id', u.id, 'firstName', u.first_name, 'lastName', u.last_name)), '[]')
      from (
        select users.id, first_name, last_name
        from memberships join users on users.id = user_id
        where room_id = rooms.id order by memberships.created_at, users.id limit ${MOST_USERS}
      ) u
    ) as users
    from rooms`;

  return {
    async epoch(): Promise<string> {
      const [row] = await database<{ id: string }[]>`select id from epoch`;
      if (!row) throw new Error('the database has no epoch: run the migration');
      return row.id;
    },

    async credentials(email: string): Promise<{ id: string; passwordHash: string } | undefined> {
      const [row] = await database<{ id: string; passwordHash: string }[]>`
        select id, password_hash from users where lower(email) = lower(${email})`;
      return row;
    },

    async user(id: string): Promise<User | undefined> {
      const [row] = await database<User[]>`
        select id, created_at, updated_at, first_name, last_name, email, to_json(roles) as roles, (
            select coalesce(json_agg(room_id order by created_at, room_id), '[]')
            from memberships where user_id = users.id
          ) as rooms
        from users where id = ${id}`;
      return row;
    },

    /** The rooms that this user may see: his own first, then the others by name. */
    rooms(userId: string): Promise<Room[]> {
      return database<Room[]>`
        select ${room} where ${visibleTo(userId)}
        order by not exists (select from memberships where room_id = rooms.id and user_id = ${userId}), name, id
        limit ${MOST_ROOMS}`;
    },

    async room(id: string, userId: string): Promise<Room | undefined> {
      const [row] = await database<Room[]>`select ${room} where id = ${id} and ${visibleTo(userId)}`;
      return row;
    },

    /** What a history shows, newest first: a page (from 1), or the nearest before or after a seq. */
    async history(roomId: string, { page = 1, before, after, size }: HistoryRange): Promise<Message[]> {
      if (after !== undefined) {
        const nearest = await database<Message[]>`
          select ${message} where room_id = ${roomId} and ${shown} and seq > ${after} order by seq limit ${size}`;
        return nearest.toReversed();
      }
      return database<Message[]>`
        select ${message} where room_id = ${roomId} and ${shown} and seq < ${before ?? Number.MAX_SAFE_INTEGER}
        order by seq desc limit ${size} offset ${(page - 1) * size}`;
    },

    /** A message, by its own id, of a room that this user may see. */
    async messageById(id: string, userId: string): Promise<Message | undefined> {
      const [row] = await database<Message[]>`
        select ${message} where id = ${id} and exists (
          select from rooms where rooms.id = messages.room_id and ${visibleTo(userId)})`;
      return row;
    },

    async message(roomId: string, seq: number): Promise<Message | undefined> {
      const [row] = await database<Message[]>`select ${message} where room_id = ${roomId} and seq = ${seq}`;
      return row;
    },

    /** All messages of a room after a seq, in order. */
    messagesAfter(roomId: string, seq: number, limit: number): Promise<Message[]> {
      return database<Message[]>`
        select ${message} where room_id = ${roomId} and seq > ${seq} order by seq limit ${limit}`;
    },

    /** Where this user is a member; undefined if there is no such user. */
    async memberships(userId: string): Promise<Membership[] | undefined> {
      const rows = await database<((Membership | { roomId: null }) & { userId: string | null })[]>`
        select u.id as user_id, m.room_id, m.seq, r.seq as head
        from (select) one
        left join users u on u.id = ${userId}
        left join memberships m on m.user_id = u.id
        left join rooms r on r.id = m.room_id`;
      if (rows.length === 0) throw new Error('postgres did not answer'); // the driver says so of some lost connections
      if (rows[0]?.userId === null) return undefined;
      return rows.filter((row): row is Membership & { userId: string } => row.roomId !== null);
    },

    /** Whether Postgres answers. */
    async ping(): Promise<void> {
      await database`select 1`;
    },
  };
}
