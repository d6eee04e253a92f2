import { after } from 'node:test';
import bcrypt from 'bcryptjs';
import type postgres from 'postgres';
import { connectDatabase, type Database } from '../../shared/database.ts';
import { PASSWORD } from './client.ts';
import { createTestDatabase } from './system.ts';

/** The tables of the original Go server, as its library GORM makes them. */
const LAYOUT = `
  create table users (
    id text, created_at timestamptz, updated_at timestamptz, first_name text, last_name text, email text, phone text,
    password text, roles text[], is_online boolean, primary key (id)
  );
  create unique index idx_users_email on users (email);
  create table rooms (
    id text, created_at timestamptz, updated_at timestamptz, name text, owner_id text, room_type text, primary key (id)
  );
  create table room_users (
    user_id text, room_id text, primary key (user_id, room_id),
    constraint fk_room_users_user foreign key (user_id) references users (id) on delete cascade,
    constraint fk_room_users_room foreign key (room_id) references rooms (id) on delete cascade
  );
  create table messages (
    id text, created_at timestamptz, updated_at timestamptz, room_id text, user_id text, text text, command text,
    target_id text, primary key (id),
    constraint fk_rooms_messages foreign key (room_id) references rooms (id) on delete cascade,
    constraint fk_messages_user foreign key (user_id) references users (id)
  );
  create table allowed_users (email text, default_role text, primary key (email));
  insert into rooms values
    ('general', '2022-09-01 08:00:00.123456+00', '2022-09-01 08:00:00.123456+00', 'General', 'general', 'Public'),
    ('announcements', '2022-09-01 08:00:01+00', '2022-09-01 08:00:01+00', 'Announcements', 'announcements', 'ReadOnly')`;

export interface Original {
  url: string;
  database: Database;
  /** Inserts rows. Columns that are missing are null. */
  insert(table: string, ...rows: object[]): Promise<void>;
}

/** Creates a database like that of the original, with its two rooms. It is dropped at the end of the test file. */
export async function createOriginal(): Promise<Original> {
  const url = await createTestDatabase();
  const database = connectDatabase(url, { name: 'rooms-test', max: 2, readOnly: false, timeout: 0 });
  after(() => database.end());
  await database.unsafe(LAYOUT);
  const insert = async (table: string, ...rows: object[]) => {
    const json = database.json(rows as unknown as postgres.JSONValue);
    const tableName = database(table);
    await database`insert into ${tableName} select * from jsonb_populate_recordset(null::${tableName}, ${json})`;
  };
  return { url, database, insert };
}

const passwordHash = bcrypt.hashSync(PASSWORD, 10);

/** Returns a UUID that ends with this number. */
export function uuid(number: number): string {
  return `7b0d3c5e-1f2a-4b6c-8d9e-${String(number).padStart(12, '0')}`;
}

/** Returns a time with microseconds, this number of seconds after the start of the original. */
export function time(seconds: number, microseconds = 789): string {
  return `${new Date(Date.UTC(2022, 8, 2) + seconds * 1_000).toISOString().slice(0, -1)}${microseconds}Z`;
}

/** Returns a row of the table `users`. The password is `PASSWORD`. */
export function userRow(id: string, firstName: string, columns: object = {}) {
  return {
    ...{ id, created_at: time(0), updated_at: time(1), first_name: firstName, last_name: 'Example' },
    ...{ email: `${firstName.toLowerCase()}@example.com`, phone: '123456789', password: passwordHash, roles: ['user'] },
    ...{ is_online: true, ...columns },
  };
}

export interface OriginalMessage {
  id: string;
  created_at: string;
  updated_at: string;
  room_id: string;
  user_id: string;
  text: string;
  command: string;
  target_id: string;
}

/** Returns a row of the table `messages`. */
export function messageRow(
  columns: Pick<OriginalMessage, 'id' | 'room_id' | 'user_id' | 'created_at'> & Partial<OriginalMessage>,
): OriginalMessage {
  const { room_id, created_at } = columns;
  return { command: 'CreateMessage', text: 'Hello', target_id: room_id, updated_at: created_at, ...columns };
}
