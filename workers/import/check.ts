import * as v from 'valibot';
import { Email } from '../../shared/contract/fields.ts';
import type { Database } from '../../shared/database.ts';
import { messages } from './messages.ts';
import { type BadRow, rowRules } from './row-rules.ts';
import { jsonRows, readPages, readRows, runStep } from './step.ts';
import { users } from './users.ts';

/** Of each table, only this number of rows is printed. */
const MAX_PRINTED_ROWS = 20;

export interface CheckResult {
  /** A line for each row that cannot be imported. If there is one, the import must not start. */
  refusals: string[];
  /** A line for each thing that the import leaves out, or that the operator should know. */
  notes: string[];
}

/** Checks every row of the original, and whether the rows fit what is in Rooms. Writes nothing. */
export async function checkAll(databases: { original: Database; rooms: Database }): Promise<CheckResult> {
  const { original, rooms } = databases;
  const refusals = await findBadRows(original);
  const emails = await checkEmails(original, rooms);
  refusals.push(...printList('users', emails.taken, 'a user of Rooms with another id has its e-mail'));
  const foreign = await findForeignMessages(original, rooms);
  refusals.push(...printList('rooms', foreign.roomIds, 'it has messages in Rooms that are not in the original'));
  // An earlier import was interrupted or is complete. This throws if its messages have another order now.
  if (foreign.hasMessages && refusals.length === 0) await runStep(messages, databases, true, () => undefined);
  return { refusals, notes: [...(await findLosses(original)), ...noteEmails(emails.unusual)] };
}

async function findBadRows(original: Database): Promise<string[]> {
  const lines: string[] = [];
  for (const [table, badRows] of Object.entries(rowRules)) {
    const rows = await original<(BadRow & { total: number })[]>`
      select id, reason, count(*) over () as total from (${badRows(original)}) bad
      order by id, reason limit ${MAX_PRINTED_ROWS}`;
    lines.push(...printRows(table, rows));
  }
  return lines;
}

function printRows(table: string, rows: (BadRow & { total: number })[]): string[] {
  const lines = rows.map(({ id, reason }) => `${table} ${id}: ${reason}`);
  const more = (rows[0]?.total ?? 0) - lines.length;
  return more > 0 ? [...lines, `${table}: ${more.toLocaleString('en')} more`] : lines;
}

function printList(table: string, ids: string[], reason: string): string[] {
  const total = ids.length;
  const rows = ids.slice(0, MAX_PRINTED_ROWS).map((id) => ({ id, reason, total }));
  return printRows(table, rows);
}

/** Finds e-mails that another user of Rooms has, and e-mails to which Rooms mails nothing because of their form. */
async function checkEmails(original: Database, rooms: Database): Promise<{ taken: string[]; unusual: string[] }> {
  const taken: string[] = [];
  const unusual: string[] = [];
  for await (const page of readRows(users, original) as AsyncGenerator<{ id: string; email: string }[]>) {
    unusual.push(...page.filter(({ email }) => !v.is(Email, email)).map(({ id }) => id));
    const ids = page.map(({ id, email }) => ({ id, email }));
    const rows = await rooms<{ id: string }[]>`
      select given.id from jsonb_to_recordset(${jsonRows(rooms, ids)}) as given(id text, email text)
      join users on lower(users.email) = lower(given.email) and users.id::text <> given.id`;
    taken.push(...rows.map(({ id }) => id));
  }
  return { taken, unusual };
}

/** Finds the rooms that have a message in Rooms which is not in the original: somebody has already used Rooms. */
async function findForeignMessages(
  original: Database,
  rooms: Database,
): Promise<{ roomIds: string[]; hasMessages: boolean }> {
  const roomIds = new Set<string>();
  let hasMessages = false;
  const stored = readPages<{ id: string; roomId: string }>(rooms, rooms`select id, room_id from messages`);
  for await (const page of stored) {
    hasMessages = true;
    const known = await original<{ id: string; roomId: string }[]>`
      select id, room_id from messages where id in ${original(page.map(({ id }) => id))}`;
    const roomOf = new Map(known.map(({ id, roomId }) => [id, roomId]));
    for (const { id, roomId } of page) if (roomOf.get(id) !== roomId) roomIds.add(roomId);
  }
  return { roomIds: [...roomIds], hasMessages };
}

/** Counts what Rooms has no place for. */
async function findLosses(original: Database): Promise<string[]> {
  const [row] = await original<{ roles: number; defaultRoles: number }[]>`
    select
      (select count(*) from users where exists (select from unnest(roles) role where role not in ('user', 'admin')))
        as roles,
      (select count(*) from allowed_users where default_role not in ('user', 'admin')) as default_roles`;
  const { roles = 0, defaultRoles = 0 } = row ?? {};
  return [
    ...(roles ? [`users with other roles than user and admin: ${roles} (these roles are left out)`] : []),
    ...(defaultRoles ? [`entries of the allow-list with an unknown role: ${defaultRoles} (it becomes user)`] : []),
  ];
}

function noteEmails(userIds: string[]): string[] {
  if (userIds.length === 0) return [];
  const printed = userIds.length > MAX_PRINTED_ROWS ? [...userIds.slice(0, MAX_PRINTED_ROWS), '…'] : userIds;
  const effect = 'they can log in with their password, and get no one-time password';
  return [`users with an e-mail of an unusual form: ${userIds.length} (${effect}): ${printed.join(' ')}`];
}
