import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import { createAccount } from './support/client.ts';
import { MovingMember } from './support/moving-member.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

const MEMBERS = 10;
const TICK_MS = 50;
const COMMANDS_PER_TICK = 15;

const { cluster, database } = await startSystem({ gateways: 2, workers: 2 });
const portOf = (url: string) => Number(new URL(url).port);
const [urlA, urlB] = cluster.urls as [string, string];

test('each command is committed while all gateways and workers are restarted one after the other', async () => {
  const ann = await createAccount(urlA, 'Ann');
  const members = await Promise.all(
    Array.from({ length: MEMBERS }, (_, index) => MovingMember.open([urlA, urlB], ann.token, index % 2)),
  );
  after(() => Promise.all(members.map((member) => member.close())));
  const { roomId } = await (members[0] as MovingMember).commit({ command: 'CreateRoom', text: 'a room' });

  const answers: ReturnType<MovingMember['commit']>[] = [];
  const write = () => {
    const member = members[answers.length % MEMBERS] as MovingMember;
    answers.push(member.commit({ command: 'CreateMessage', roomId, text: `message ${answers.length}`, ref: newId() }));
  };
  const load = setInterval(() => {
    for (let count = 0; count < COMMANDS_PER_TICK; count++) write();
  }, TICK_MS);
  try {
    for (const url of [urlA, urlB]) {
      await cluster.gateways.shift()?.stop();
      await cluster.startGateway(portOf(url));
      await until(() => answers.length > 100);
    }
    for (const worker of [...cluster.workers]) {
      const next = await cluster.startWorker();
      await until(() => cluster.logOf(next).includes('workers ready'));
      await worker.stop();
    }
  } finally {
    clearInterval(load);
  }

  const acks = await Promise.all(answers);
  const [row] = await database`select count(*)::int as count from messages where room_id = ${roomId}`;
  assert.equal(row?.count, acks.length + 1);
  assert.equal(new Set(acks.map(({ seq }) => seq)).size, acks.length);
  assert.ok(members.every(({ moves }) => moves >= 1));
});
