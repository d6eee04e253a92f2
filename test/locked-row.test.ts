import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import { connectDatabase } from '../shared/database.ts';
import { Client, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

const ROOMS = 20;
const ROUNDS = 5;

const { cluster, database, databaseUrl } = await startSystem({ gateways: 2, workers: 2 });
const person = connectDatabase(databaseUrl, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
after(() => person.end());
const ann = await createAccount(cluster.urls[0] as string, 'Ann');

test('while a person has locked a room, its commands are busy, and every other room works on every gateway', async () => {
  const clients = await Promise.all(cluster.urls.map((url) => Client.connect(url, ann.token)));
  after(() => Promise.all(clients.map((client) => client.close())));
  const [first] = clients as [Client, Client];
  const rooms = await Promise.all(
    Array.from({ length: ROOMS }, async () => (await first.commit({ command: 'CreateRoom', text: 'a room' })).roomId),
  );
  const [lockedRoom, ...others] = rooms as [string, ...string[]];
  const write = (roomId: string, ref = newId()) =>
    ({ command: 'CreateMessage', roomId, text: 'Hello World!', ref }) as const;

  await person`begin`;
  await person`select from rooms where id = ${lockedRoom} for update`;
  const refused: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const answers = clients.flatMap((client) => {
      const command = write(lockedRoom);
      refused.push(command.ref);
      return [
        client.ask(command).then((answer) => assert.equal('code' in answer && answer.code, 'busy')),
        ...others.map((roomId) => client.commit(write(roomId))),
      ];
    });
    await Promise.all(answers);
  }
  await person`commit`;

  await Promise.all(clients.map((client) => client.commit(write(lockedRoom))));
  const rows = await database<{ ref: string }[]>`select ref from messages where room_id = ${lockedRoom}`;
  assert.deepEqual(
    rows.filter(({ ref }) => refused.includes(ref)),
    [],
  );
  assert.equal(rows.length, 1 + clients.length);

  // `retry` is `same_ref`: after a moment, the same command is a new attempt.
  const again = write(lockedRoom, refused[0]);
  await until(async () => 'seq' in (await first.ask(again)));
  assert.equal((await first.commit(again)).seq, rows.length + 1);
});
