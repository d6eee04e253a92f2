import type postgres from 'postgres';
import type { AccountCommand } from '../shared/contract/account-commands.ts';
import type { Revocation } from '../shared/contract/channels.ts';
import { isErrorCode } from '../shared/contract/errors.ts';
import type { AccountOutcome, Batch } from '../shared/contract/jobs.ts';
import type { Database } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import { applyBatch } from './apply-batch.ts';

export interface AppliedAccountCommands {
  /** In the order of the commands. */
  outcomes: AccountOutcome[];
  revocations: { userId: string; revocation: Revocation }[];
}

interface Row {
  commandId: string;
  code: string | null;
  tokenVersion: number | null;
}

/**
 * @param sender names the lane, of all lanes
 * @param allowedOnly whether only e-mails on the list may register
 * @throws Error when Postgres does not answer
 */
export async function applyAccountCommands(
  database: Database,
  sender: string,
  { number, commands }: Batch<AccountCommand>,
  allowedOnly: boolean,
  log: Log,
): Promise<AppliedAccountCommands> {
  const batch = database.json(commands as unknown as postgres.JSONValue);
  const statement = (): Promise<Row[]> => database<Row[]>`
    select * from jsonb_to_recordset(apply_account_commands(${batch}, ${sender}, ${number}, ${allowedOnly}))
      as (command_id uuid, code text, token_version bigint)`;
  const rows = new Map((await applyBatch(commands.length, statement, log)).map((row) => [row.commandId, row]));
  return {
    outcomes: commands.map(({ id }) => outcome(id, rows.get(id))),
    revocations: commands.flatMap((command) => revocationOf(command, rows.get(command.id))),
  };
}

function outcome(id: string, row: Row | undefined): AccountOutcome {
  const code = row ? row.code : 'internal';
  if (code) return { code: isErrorCode(code) ? code : 'internal' };
  return { id };
}

function revocationOf(command: AccountCommand, row: Row | undefined): AppliedAccountCommands['revocations'] {
  if (!row || row.code) return [];
  if (command.command === 'Logout') {
    return [{ userId: command.userId, revocation: { tokenId: command.tokenId } }];
  }
  if (command.command !== 'LogoutAll' || row.tokenVersion === null) return [];
  return [{ userId: command.userId, revocation: { version: row.tokenVersion } }];
}
