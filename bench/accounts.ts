import { importTokenKey, signToken } from '../shared/access-tokens.ts';
import { newId } from '../shared/contract/ids.ts';
import type { Database } from '../shared/database.ts';
import { callApi } from './call-api.ts';

export const PASSWORD = 'correct horse';
const ACCOUNTS_PER_STATEMENT = 1_000;
const TOKEN_HOURS = 12;

export interface Account {
  id: string;
  /** The password of each account is {@link PASSWORD}. */
  email: string;
  token: string;
}

/**
 * Creates accounts, thousands per second. The first one is registered over HTTP. The others get its password hash, and
 * the SQL function that registers an account creates them.
 */
export async function createAccounts(
  url: string,
  secret: string,
  database: Database,
  count: number,
): Promise<Account[]> {
  const run = newId().slice(-12);
  const emailOf = (index: number) => `bench.${run}.${index}@example.com`;
  const person = { firstName: 'Bench', lastName: 'Member', email: emailOf(0), password: PASSWORD };
  const first = await callApi<{ id: string }>(url, 'POST /api/users/register', undefined, person);
  const key = await importTokenKey(secret);
  const accounts: Account[] = [];
  for (let index = 0; index < count; index++) {
    const id = index === 0 ? first.id : newId();
    const token = await signToken(key, { userId: id, version: 0, hours: TOKEN_HOURS });
    accounts.push({ id, email: emailOf(index), token });
  }
  for (let start = 1; start < count; start += ACCOUNTS_PER_STATEMENT)
    await register(database, first.id, accounts.slice(start, start + ACCOUNTS_PER_STATEMENT));
  return accounts;
}

async function register(database: Database, firstId: string, accounts: Account[]): Promise<void> {
  const people = accounts.map(({ id, email }) => ({ id, email, firstName: 'Bench', lastName: 'Member' }));
  const [row] = await database<{ refused: number }[]>`
    select count(register(person || jsonb_build_object('passwordHash', password_hash), false))::int as refused
    from users, jsonb_array_elements(${database.json(people)}) as person where users.id = ${firstId}`;
  if (row?.refused !== 0) throw new Error(`${row?.refused} accounts were refused`);
}
