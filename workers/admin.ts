import * as v from 'valibot';
import { readConfig } from '../shared/config.ts';
import { type ErrorCode, errors, isErrorCode } from '../shared/contract/errors.ts';
import { Email, Role } from '../shared/contract/fields.ts';
import { connectDatabase, type Database } from '../shared/database.ts';

// npm run admin -- <command> <email>: for an operator with access to the database. No route offers these changes.

const USAGE = `npm run admin -- <command>
  grant <email>          makes the user with this e-mail an admin
  revoke <email>         takes the role admin from this user; the last admin keeps it
  admins                 lists the admins
  allow <email> [role]   puts this e-mail on the allow-list: while ALLOWED_USERS_ONLY is true, only people on this
                         list may register; role is their first role: user (the default) or admin
  disallow <email>       removes this e-mail from the allow-list
  allowed                shows the allow-list
`;

type RunCommand = (database: Database, email: string, role: Role) => Promise<string[]>;

const commands: Record<string, RunCommand> = {
  grant: (database, email) => setAdmin(database, email, true),
  revoke: (database, email) => setAdmin(database, email, false),
  async admins(database) {
    const rows = await database`select email from users where has_admin_role(roles) order by email`;
    return rows.map(({ email }) => email);
  },
  async allow(database, email, role) {
    await database`
      insert into allowed_users (email, role) values (lower(${email}), ${role})
      on conflict (email) do update set role = excluded.role`;
    return [`${email} may register as ${role}`];
  },
  async disallow(database, email) {
    await database`delete from allowed_users where email = lower(${email})`;
    return [`${email} is not on the allow-list`];
  },
  async allowed(database) {
    const rows = await database`select email, role from allowed_users order by email`;
    return rows.map(({ email, role }) => `${email} ${role}`);
  },
};
const WITHOUT_EMAIL = ['admins', 'allowed'];

async function setAdmin(database: Database, email: string, granted: boolean): Promise<string[]> {
  const [user] = await database`select id from users where lower(email) = lower(${email})`;
  if (!user) throw new Error(errors.no_such_user.text);
  const [row] = await database<{ code: ErrorCode | null }[]>`select set_role(${user.id}, 'admin', ${granted}) as code`;
  if (!row || row.code) throw new Error(isErrorCode(row?.code) ? errors[row.code].text : 'postgres returned no row');
  return [`${email} is ${granted ? 'an admin' : 'not an admin'}`];
}

const [name = '', email, role = 'user', ...more] = process.argv.slice(2);
const run = Object.hasOwn(commands, name) ? commands[name] : undefined;
const isValid = WITHOUT_EMAIL.includes(name) ? email === undefined : v.is(Email, email) && v.is(Role, role);
if (!run || !isValid || more.length > 0) {
  process.stderr.write(USAGE);
  process.exit(64);
}

const { DATABASE_URL } = readConfig('DATABASE_URL');
const database = connectDatabase(DATABASE_URL, { name: 'rooms-admin', max: 1, readOnly: false, timeout: 15_000 });
try {
  for (const line of await run(database, email ?? '', role as Role)) process.stdout.write(`${line}\n`);
} catch (error) {
  const { message, code } = error as Error & { code?: string };
  process.stderr.write(`${message}${code === 'ECONNREFUSED' ? ': is Rooms running?' : ''}\n`);
  process.exitCode = 1;
} finally {
  await database.end({ timeout: 5 });
}
