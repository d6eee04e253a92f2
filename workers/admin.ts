import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { isDev, readConfig } from '../shared/config.ts';
import { type ErrorCode, errors, isErrorCode } from '../shared/contract/errors.ts';
import { Email, Role } from '../shared/contract/fields.ts';
import { connectDatabase, type Database } from '../shared/database.ts';
import { LOAD_USERS_PATH } from '../shared/load-users-file.ts';
import { addLoadUsers } from './load-users.ts';
import { removeLoadUsers } from './remove-load-users.ts';

// npm run admin -- <command> ...: for an operator with access to the database. No route offers these changes.

const USAGE = `npm run admin -- <command>
  grant <email>          makes the user with this e-mail an admin
  revoke <email>         takes the role admin from this user; the last admin keeps it
  admins                 lists the admins
  allow <email> [role]   puts this e-mail on the allow-list: while ALLOWED_USERS_ONLY is true, only people on this
                         list may register; role is their first role: user (the default) or admin
  disallow <email>       removes this e-mail from the allow-list
  allowed                shows the allow-list
  load-users <number>    makes accounts, rooms and tokens for load tests, and writes them to a file for the load scripts
    --members=10         the number of members of each room
    --file=<path>        the file, instead of ${LOAD_USERS_PATH}
    --force              also without ENVIRONMENT=dev
  remove-load-users      deletes them all, and the messages in their rooms; --force as above
`;

type Run = (database: Database) => Promise<string[]>;
/** Reads the words after the name of a command. @returns undefined if a word is missing or wrong */
type ReadWords = (words: string[]) => Run | undefined;

const commands: Record<string, ReadWords> = {
  grant: withEmail((database, email) => setAdmin(database, email, true)),
  revoke: withEmail((database, email) => setAdmin(database, email, false)),
  admins: withoutWords(async (database) => {
    const rows = await database`select email from users where has_admin_role(roles) order by email`;
    return rows.map(({ email }) => email);
  }),
  allow: ([email, role = 'user', ...more]) =>
    v.is(Email, email) && v.is(Role, role) && more.length === 0
      ? async (database) => {
          await database`
            insert into allowed_users (email, role) values (lower(${email}), ${role})
            on conflict (email) do update set role = excluded.role`;
          return [`${email} may register as ${role}`];
        }
      : undefined,
  disallow: withEmail(async (database, email) => {
    await database`delete from allowed_users where email = lower(${email})`;
    return [`${email} is not on the allow-list`];
  }),
  allowed: withoutWords(async (database) => {
    const rows = await database`select email, role from allowed_users order by email`;
    return rows.map(({ email, role }) => `${email} ${role}`);
  }),
  'load-users'(words) {
    const options = { members: { type: 'string' }, file: { type: 'string' }, force: { type: 'boolean' } } as const;
    const { positionals, values } = parseArgs({ args: words, allowPositionals: true, options });
    const { members = '10', file = LOAD_USERS_PATH, force = false } = values;
    const [users, membersPerRoom] = [Number(positionals[0]), Number(members)];
    const areCounts = positionals.length === 1 && [positionals[0], members].every((word) => isCount(word));
    if (!areCounts || users % membersPerRoom > 0) return undefined;
    return (database) => {
      refuseOutsideDev(force);
      const config = readConfig('API_SECRET', 'TOKEN_HOUR_LIFESPAN');
      return addLoadUsers(database, config, { users, membersPerRoom, file });
    };
  },
  'remove-load-users'(words) {
    const { force = false } = parseArgs({ args: words, options: { force: { type: 'boolean' } } }).values;
    return (database) => {
      refuseOutsideDev(force);
      return removeLoadUsers(database);
    };
  },
};

function withEmail(run: (database: Database, email: string) => Promise<string[]>): ReadWords {
  return ([email, ...more]) =>
    v.is(Email, email) && more.length === 0 ? (database) => run(database, email) : undefined;
}

function withoutWords(run: Run): ReadWords {
  return (words) => (words.length === 0 ? run : undefined);
}

const isCount = (word = ''): boolean => /^[1-9]\d{0,6}$/.test(word);

async function setAdmin(database: Database, email: string, granted: boolean): Promise<string[]> {
  const [user] = await database`select id from users where lower(email) = lower(${email})`;
  if (!user) throw new Error(errors.no_such_user.text);
  const [row] = await database<{ code: ErrorCode | null }[]>`select set_role(${user.id}, 'admin', ${granted}) as code`;
  if (!row || row.code) throw new Error(isErrorCode(row?.code) ? errors[row.code].text : 'postgres returned no row');
  return [`${email} is ${granted ? 'an admin' : 'not an admin'}`];
}

/** Load users have tokens in a file and one password, so they do not belong into a server that people use. */
function refuseOutsideDev(isForced: boolean): void {
  const { ENVIRONMENT } = readConfig('ENVIRONMENT');
  if (isDev(ENVIRONMENT) || isForced) return;
  throw new Error('load users are only for ENVIRONMENT=dev. If you need them here: --force');
}

/** @returns undefined if the words are wrong */
function readCommandLine([name = '', ...words]: string[]): Run | undefined {
  try {
    return Object.hasOwn(commands, name) ? commands[name]?.(words) : undefined;
  } catch {
    return undefined; // `parseArgs` found an unknown option.
  }
}

const run = readCommandLine(process.argv.slice(2));
if (!run) {
  process.stderr.write(USAGE);
  process.exit(64);
}

const { DATABASE_URL } = readConfig('DATABASE_URL');
const database = connectDatabase(DATABASE_URL, { name: 'rooms-admin', max: 2, readOnly: false, timeout: 15_000 });
try {
  for (const line of await run(database)) process.stdout.write(`${line}\n`);
} catch (error) {
  const { message, code } = error as Error & { code?: string };
  process.stderr.write(`${message}${code === 'ECONNREFUSED' ? ': is Rooms running?' : ''}\n`);
  process.exitCode = 1;
} finally {
  await database.end({ timeout: 5 });
}
