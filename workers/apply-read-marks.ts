import * as v from 'valibot';
import type { Notice } from '../shared/contract/channels.ts';
import { isErrorCode } from '../shared/contract/errors.ts';
import type { Batch, ReadOutcome } from '../shared/contract/jobs.ts';
import { ReadMark } from '../shared/contract/read-marks.ts';
import type { Database } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';

export interface AppliedReadMarks {
  /** In the order of the marks. */
  outcomes: ReadOutcome[];
  /** One notice for each room of each user. */
  notices: Notice[];
}

interface StoredRow {
  code: null;
  readSeq: number;
  head: number;
  unread: number;
  mentions: number;
}

type Row = StoredRow | { code: string };

/**
 * Stores the marks of a batch with one statement. A copy of the batch changes nothing, because a mark only moves forward.
 * @throws Error if Postgres does not answer. Then the lane sends the batch again.
 */
export async function applyReadMarks(
  { database, log }: { database: Database; log: Log },
  { commands }: Batch<unknown>,
): Promise<AppliedReadMarks> {
  const parsed = commands.map((command) => parse(command, log));
  const marks = parsed.filter((mark) => mark !== undefined);
  const list = (value: (mark: ReadMark) => string | number) => `{${marks.map(value).join()}}`;
  const rows = await database<Row[]>`
    select code, read_seq, head, unread, mentions from mark_read(
      ${list(({ userId }) => userId)}, ${list(({ roomId }) => roomId)}, ${list(({ seq }) => seq)}
    )`;
  // When a connection is lost, the driver sometimes returns no rows.
  if (rows.length !== marks.length) throw new Error(`${rows.length} rows for ${marks.length} marks`);
  const outcomes = new Map(marks.map((mark, index) => [mark, outcomeOf(rows[index] as Row)]));
  return {
    outcomes: parsed.map((mark) => (mark && outcomes.get(mark)) ?? { code: 'internal' }),
    notices: noticesOf(outcomes),
  };
}

function parse(command: unknown, log: Log): ReadMark | undefined {
  const { success, output, issues } = v.safeParse(ReadMark, command);
  if (success) return output;
  log.error({ fields: issues.map((issue) => v.getDotPath(issue)) }, 'a mark does not fit its schema');
  return undefined;
}

function outcomeOf(row: Row): ReadOutcome {
  if (row.code !== null) return { code: isErrorCode(row.code) ? row.code : 'internal' };
  const { readSeq: seq, head, unread, mentions } = row;
  return { seq, head, unread, mentions };
}

/** Several marks of one room have the same counts. */
function noticesOf(outcomes: Map<ReadMark, ReadOutcome>): Notice[] {
  const notices = new Map<string, Notice>();
  for (const [{ userId, roomId }, outcome] of outcomes)
    if (!('code' in outcome)) notices.set(`${userId} ${roomId}`, { userId, read: { roomId, ...outcome } });
  return [...notices.values()];
}
