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
export function applyAccountCommands(
  context: AccountCommandsContext,
  laneKey: string,
  { number, commands }: Batch<unknown>,
  allowListOnly: boolean,
): Promise<AppliedAccountCommands> {
  const { database, databaseTime } = context;
  return sendBatch(
    context,
    commands,
    (readable) => database<Row[]>`
      select * from jsonb_to_recordset(
        apply_account_commands(${laneKey}, ${number}, ${toJson(database, readable)}, ${databaseTime.sentAt()}, ${allowListOnly})
      ) as (command_id uuid, code text, token_version bigint)`,
  );
}

/**
 * Refuses a batch as `internal`. A batch that was applied before gets its outcomes. Sends only the ids to Postgres, because
 * any other field may be what ended the workers.
 * @throws Error as applyBatch
 */
export function refuseAccountCommands(
  context: AccountCommandsContext,
  laneKey: string,
  { number, commands }: Batch<unknown>,
): Promise<AppliedAccountCommands> {
  const { database } = context;
  const idsOf = (readable: AccountCommand[]) =>
    toJson(
      database,
      readable.map(({ id }) => ({ id })),
    );
  return sendBatch(
    context,
    commands,
    (readable) => database<Row[]>`
      select * from jsonb_to_recordset(refuse_account_commands(${laneKey}, ${number}, ${idsOf(readable)}))
        as (command_id uuid, code text, token_version bigint)`,
  );
}

async function sendBatch(
  { log }: AccountCommandsContext,
  commands: unknown[],
  statement: (readable: AccountCommand[]) => Promise<Row[]>,
): Promise<AppliedAccountCommands> {
  const parsed = commands.map((command) => parse(command, log));
  const readable = parsed.filter((command) => command !== undefined);
  const send = () => statement(readable);
  const applied = await applyBatch({ commands: readable.length, follows: false, send, log });
  const rows = new Map(applied.map((row) => [row.commandId, row]));
  return {
    outcomes: parsed.map((command) => outcomeOf(command && rows.get(command.id))),
    revocations: readable.flatMap((command) => revocationsOf(command, rows.get(command.id))),
  };
}

function toJson(database: Database, commands: object[]): postgres.Parameter {
  return database.json(commands as unknown as postgres.JSONValue);
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
