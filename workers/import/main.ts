import { readConfig } from '../../shared/config.ts';
import type { Database } from '../../shared/database.ts';
import { allowList } from './allow-list.ts';
import { checkAll } from './check.ts';
import { connectOriginal, connectRooms, lockImport } from './connect.ts';
import { members } from './members.ts';
import { messages } from './messages.ts';
import { countsTable, Progress, print } from './progress.ts';
import { rooms } from './rooms.ts';
import { type Counts, countRows, runStep, type Step } from './step.ts';
import { users } from './users.ts';

// npm run import -- [--dry-run] <DATABASE_URL of an original>: docs/moving.md describes it.

const USAGE = `npm run import -- [--dry-run] <DATABASE_URL of the original>
  Copies users, rooms, members, messages and the allow-list of the original Go server into Rooms. It only reads the
  original. You can start it again after an interruption: it continues.
  --dry-run   checks and counts everything, and writes nothing
`;

/** In this order: a later step needs the rows of the earlier steps. */
const steps: Step[] = [users, allowList, rooms, messages, members];

const words = process.argv.slice(2);
const isDryRun = words.includes('--dry-run');
const [originalUrl = '', ...more] = words.filter((word) => word !== '--dry-run');
if (!/^postgres(ql)?:\/\//.test(originalUrl) || !URL.canParse(originalUrl) || more.length > 0) {
  process.stderr.write(USAGE);
  process.exit(64);
}

const { DATABASE_URL } = readConfig('DATABASE_URL');
process.exitCode = 1;
const opened: Database[] = [];
try {
  const original = await connectOriginal(originalUrl);
  opened.push(original);
  const rooms = await connectRooms(DATABASE_URL, isDryRun);
  opened.push(rooms);
  if (await importAll({ original, rooms })) process.exitCode = 0;
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
} finally {
  await Promise.all(opened.map((database) => database.end({ timeout: 5 })));
}

/** @returns false if a row cannot be imported. Then nothing is written. */
async function importAll(databases: { original: Database; rooms: Database }): Promise<boolean> {
  if (!isDryRun) await lockImport(databases.rooms);
  print('Checking all rows. Nothing is written yet.');
  const { refusals, notes } = await checkAll(databases);
  for (const note of notes) print(`note: ${note}`);
  if (refusals.length > 0) {
    process.stderr.write(`${refusals.join('\n')}\nNothing was imported. Correct these rows, then start again.\n`);
    return false;
  }
  try {
    print(countsTable(await runSteps(databases), isDryRun));
    return true;
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${message}\nThe import was interrupted. Start it again: it continues.`, { cause: error });
  }
}

async function runSteps(databases: { original: Database; rooms: Database }): Promise<Counts[]> {
  const counts: Counts[] = [];
  for (const step of steps) {
    const progress = new Progress(step.name, await countRows(step, databases.original));
    counts.push(await runStep(step, databases, isDryRun, (read) => progress.report(read)));
    progress.complete();
  }
  return counts;
}
