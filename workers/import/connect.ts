import { setTimeout as sleep } from 'node:timers/promises';
import { connectDatabase, type Database } from '../../shared/database.ts';

/** How long an import waits until an earlier import of this database has ended. */
const LOCK_WAIT_MS = 10_000;

/** The columns that the import reads. */
const originalColumns = {
  users: ['id', 'created_at', 'updated_at', 'first_name', 'last_name', 'email', 'phone', 'password', 'roles'],
  rooms: ['id', 'created_at', 'updated_at', 'name', 'owner_id', 'room_type'],
  room_users: ['room_id', 'user_id'],
  messages: ['id', 'created_at', 'updated_at', 'room_id', 'user_id', 'text', 'command', 'target_id'],
  allowed_users: ['email', 'default_role'],
};

/** Connects to the database of the original. The connection cannot write. @throws Error with one line for operators */
export function connectOriginal(url: string): Promise<Database> {
  const probe = async (original: Database) => {
    for (const [table, columns] of Object.entries(originalColumns))
      await original`select ${original(columns)} from ${original(table)} limit 0`;
  };
  return connect(url, true, probe, 'the original', 'this is not a database of the original: ');
}

/** Connects to the database of Rooms. @throws Error with one line for operators */
export function connectRooms(url: string, readOnly: boolean): Promise<Database> {
  const probe = async (rooms: Database) =>
    void (await rooms`select last_change, is_in_history(command) from messages limit 0`);
  return connect(url, readOnly, probe, 'Rooms', 'the database of Rooms is not up to date. Run "npm run migrate": ');
}

/**
 * Waits until no other import writes into this database. Postgres releases the lock with the connection. So it also
 * waits for the last statement of an import that was killed.
 */
export async function lockImport(rooms: Database): Promise<void> {
  const end = performance.now() + LOCK_WAIT_MS;
  const isLocked = async () => {
    const [row] = await rooms<{ locked: boolean }[]>`select pg_try_advisory_lock(hashtext('rooms-importer')) as locked`;
    return row?.locked === true;
  };
  while (!(await isLocked())) {
    if (performance.now() > end) throw new Error('another import into this database is running');
    await sleep(100);
  }
}

/** @param wrongTables the beginning of the error if a table, a column or a function is missing */
async function connect(
  url: string,
  readOnly: boolean,
  probe: (database: Database) => Promise<void>,
  system: string,
  wrongTables: string,
): Promise<Database> {
  // One connection, because the cursor of readPages and the lock of lockImport belong to their connection.
  const database = connectDatabase(url, { name: 'rooms-importer', max: 1, readOnly, timeout: 0 });
  try {
    await probe(database);
    return database;
  } catch (error) {
    await database.end({ timeout: 5 });
    const { code = '', message } = error as Error & { code?: string };
    const isWrongTables = ['42P01', '42703', '42883'].includes(code);
    // A refused connection to two addresses of one name is an error with a code, but without a message.
    throw new Error(`${isWrongTables ? wrongTables : `${system}: `}${message || code}`, { cause: error });
  }
}
