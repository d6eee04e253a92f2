import type postgres from 'postgres';
import * as v from 'valibot';
import { AccountCommand } from '../shared/contract/account-commands.ts';
import type { Revocation } from '../shared/contract/channels.ts';
import { isErrorCode } from '../shared/contract/errors.ts';
import type { AccountOutcome, Batch } from '../shared/contract/jobs.ts';
import type { Database } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import { applyBatch } from './apply-batch.ts';
import type { DatabaseTime } from './database-time.ts';

export interface AppliedAccountCommands {
  /** In the order of the commands. */
  outcomes: AccountOutcome[];
  revocations: { userId: string; revocation: Revocation }[];
}

export interface AccountCommandsContext {
  database: Database;
  databaseTime: Pick<DatabaseTime, 'sentAt'>;
  log: Log;
}

interface Row {
  commandId: string;
  code: string | null;
  tokenVersion: number | null;
}

/**
 * Applies a batch with one statement. A command that does not fit its schema gets the outcome `internal`, and all other
 * commands are applied.
 * @param laneKey names the lane (the ordered outbox of a gateway) that sent the batch
 * @param allowListOnly true if an account may only get an e-mail that is on the allow-list
 * @throws Error if Postgres does not answer. Also the errors of applyBatch.
 */
export async function applyAccountCommands(
  { database, databaseTime, log }: AccountCommandsContext,
  laneKey: string,
  { number, commands }: Batch<unknown>,
  allowListOnly: boolean,
): Promise<AppliedAccountCommands> {
  const parsed = commands.map((command) => parse(command, log));
  const readable = parsed.filter((command) => command !== undefined);
  const batch = database.json(readable as unknown as postgres.JSONValue);
  const send = (): Promise<Row[]> => database<Row[]>`
    select * from jsonb_to_recordset(
      apply_account_commands(${laneKey}, ${number}, ${batch}, ${databaseTime.sentAt()}, ${allowListOnly})
    ) as (command_id uuid, code text, token_version bigint)`;
  const applied = await applyBatch({ commands: readable.length, follows: false, send, log });
  const rows = new Map(applied.map((row) => [row.commandId, row]));
  return {
    outcomes: parsed.map((command) => outcomeOf(command && rows.get(command.id))),
    revocations: readable.flatMap((command) => revocationsOf(command, rows.get(command.id))),
  };
}

function parse(command: unknown, log: Log): AccountCommand | undefined {
  const { success, output, issues } = v.safeParse(AccountCommand, command);
  if (success) return output;
  // The log gets the names of the fields only, because the values are personal.
  log.error({ fields: issues.map((issue) => v.getDotPath(issue)) }, 'an account command does not fit its schema');
  return undefined;
}

function outcomeOf(row: Row | undefined): AccountOutcome {
  if (!row) return { code: 'internal' };
  if (row.code) return { code: isErrorCode(row.code) ? row.code : 'internal' };
  return { id: row.commandId };
}

function revocationsOf(command: AccountCommand, row: Row | undefined): AppliedAccountCommands['revocations'] {
  if (!row || row.code) return [];
  if (command.command === 'Logout') return [{ userId: command.userId, revocation: { tokenId: command.tokenId } }];
  if (command.command !== 'LogoutAll' || row.tokenVersion === null) return [];
  return [{ userId: command.userId, revocation: { version: row.tokenVersion } }];
}
