import type postgres from 'postgres';
import type { Database } from '../shared/database.ts';
import { isErrorCode } from '../shared/errors.ts';
import type { AccountCommand, AccountOutcome } from '../shared/jobs.ts';
import type { Log } from '../shared/log.ts';
import { applyBatch } from './apply.ts';

interface Row {
  commandId: string;
  code: string | null;
}

/** @throws Error when Postgres does not answer */
export async function applyAccountCommands(
  database: Database,
  commands: AccountCommand[],
  log: Log,
): Promise<AccountOutcome[]> {
  const batch = database.json(commands as unknown as postgres.JSONValue);
  const statement = (): Promise<Row[]> => database<Row[]>`select * from apply_account_commands(${batch})`;
  const rows = await applyBatch(commands.length, statement, log);
  const codes = new Map(rows.map((row) => [row.commandId, row.code]));
  return commands.map(({ id }) => {
    const code = codes.has(id) ? codes.get(id) : 'internal';
    return code ? { code: isErrorCode(code) ? code : 'internal' } : { id };
  });
}
