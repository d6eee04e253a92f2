import type { RoomCommand } from '../shared/contract/jobs.ts';
import type { Database } from '../shared/database.ts';

/** More rows than this are seldom locked at the same time. If they are, batches learn them again. */
const MAX_KNOWN_ROWS = 10_000;

/** What a batch learns about the locks of the rows that it needs. */
export interface RowLocks {
  /** Rooms and users that a session other than a worker has locked: nobody knows for how long. */
  foreign: string[];
  /** True if a worker has locked one of the other rows: it will be free soon. */
  isContended: boolean;
}

interface LockedRow {
  id: string;
  isForeign: boolean;
}

/**
 * Knows the rooms and users whose rows another session has locked, such as a person with an open transaction. A batch
 * waits once for such a row. Later batches name the row as a suspect, and then do not wait for it
 * (sql/functions/lock-rows.sql).
 */
export class LockedRows {
  readonly #known = new Set<string>();

  /** @returns the rows among those of the commands that are known to be locked, and still are */
  async suspectsOf(database: Database, commands: RoomCommand[]): Promise<string[]> {
    if (this.#known.size === 0) return [];
    const { roomIds, userIds } = rowsOf(commands);
    const isKnown = (id: string) => this.#known.has(id);
    const known = { roomIds: roomIds.filter(isKnown), userIds: userIds.filter(isKnown) };
    if (known.roomIds.length + known.userIds.length === 0) return [];
    return (await this.#read(database, known)).foreign;
  }

  /** Asks Postgres which rows of the commands are locked. Call this after a statement did not get a lock. */
  find(database: Database, commands: RoomCommand[]): Promise<RowLocks> {
    return this.#read(database, rowsOf(commands));
  }

  async #read(database: Database, { roomIds, userIds }: ReturnType<typeof rowsOf>): Promise<RowLocks> {
    const rows = await database<LockedRow[]>`
      select id, is_foreign from row_locks(${`{${roomIds.join()}}`}, ${`{${userIds.join()}}`})`;
    const foreign = rows.filter(({ isForeign }) => isForeign).map(({ id }) => id);
    for (const id of [...roomIds, ...userIds]) this.#known.delete(id);
    if (this.#known.size > MAX_KNOWN_ROWS) this.#known.clear();
    for (const id of foreign) this.#known.add(id);
    return { foreign, isContended: rows.length > foreign.length };
  }
}

/** The rows that the SQL function lock_rows locks. */
function rowsOf(commands: RoomCommand[]): { roomIds: string[]; userIds: string[] } {
  const roomIds = commands.flatMap(({ roomId }) => roomId ?? []);
  const userIds = commands.flatMap(({ command, actorId, targetId }) => {
    if (command === 'CreateRoom') return actorId;
    return command === 'AddUser' ? (targetId ?? []) : [];
  });
  return { roomIds: [...new Set(roomIds)], userIds: [...new Set(userIds)] };
}
