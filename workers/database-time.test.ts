import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import type { RoomCommand } from '../shared/contract/jobs.ts';
import { createLog } from '../shared/log.ts';
import { codesOf, roomCommand, roomCommands } from '../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../test/support/system.ts';
import { until } from '../test/support/until.ts';
import { watchDatabaseTime } from './database-time.ts';

const { database } = await openTestDatabase();
const { applyBatch, create, createUser, createRoom } = roomCommands(database);

/** Changes the clock of this database to the true time plus this number of seconds. */
async function moveClock(seconds: number): Promise<void> {
  for (const [name, source] of [
    ['rooms_now', 'clock_timestamp'],
    ['rooms_statement_time', 'statement_timestamp'],
  ]) {
    await database.unsafe(`
      create or replace function ${name}() returns timestamptz language sql volatile as $$
        select ${source}() + interval '${seconds} s'
      $$`);
  }
}

const after10Seconds = () => new Date(Date.now() + 10_000).toISOString();
const aMomentAgo = () => new Date(Date.now() - 500).toISOString();

for (const seconds of [3_600, -3_600]) {
  test(`a jump of the clock of the database by ${seconds} s changes no deadline`, async () => {
    const ann = await createUser();
    const room = await createRoom(ann);
    const write = (deadline: string): RoomCommand => roomCommand('CreateMessage', ann, room, { deadline });
    await moveClock(seconds);
    after(() => moveClock(0));
    const sentAt = new Date().toISOString();
    const batch = [write(after10Seconds()), write(aMomentAgo())];
    assert.deepEqual(codesOf(await applyBatch(newId(), 0, batch, { sentAt })), [null, 'expired']);
    assert.equal((await create([write(after10Seconds())], newId(), 0, sentAt))?.length, 1);
    assert.equal(await create([write(aMomentAgo())], newId(), 0, sentAt), undefined);
    // A gateway that has read the new clock makes deadlines by it.
    const later = (milliseconds: number) => new Date(Date.now() + seconds * 1_000 + milliseconds).toISOString();
    const newBatch = [write(later(10_000)), write(later(-500))];
    assert.deepEqual(codesOf(await applyBatch(newId(), 0, newBatch, { sentAt })), [null, 'expired']);
  });
}

test('a worker keeps the time from before a jump', async () => {
  await moveClock(0);
  const log = createLog('test', 'silent');
  const warnings: unknown[] = [];
  log.warn = (...entry: unknown[]) => warnings.push(entry);
  const time = watchDatabaseTime(database, log);
  after(() => time.stop());
  assert.equal(time.sentAt(), null);
  await until(() => time.sentAt() !== null);
  await moveClock(3_600);
  await until(() => warnings.length > 0);
  const differenceMs = Date.parse(time.sentAt() as string) - Date.now();
  assert.ok(Math.abs(differenceMs) < 60_000, `${differenceMs} ms`);
});
