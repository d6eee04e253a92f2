import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { type Answers, type Attack, runAttack } from '../bench/fairness/attack.ts';
import { ROWS } from '../bench/fairness/rows.ts';
import { defaultLimits, openBystander } from '../bench/scenarios/fairness.ts';
import { variables } from '../shared/config.ts';
import { limits } from '../shared/contract/limits.ts';
import { startSystem, startTestRedis } from './support/system.ts';
import { until } from './support/until.ts';

// What one user does to the others: each row of `npm run bench -- fairness`, in a small form. A bystander at another
// address acts meanwhile and must not be refused. The benchmark measures the times, these tests do not.

type Commands = Attack & { kind: 'commands' };

const ROUNDS = 5;
const MAX_ROOMS = Number(variables.ROOMS_PER_HOUR.default);
const MAX_PASSWORDS = Number(variables.HASHES_PER_ADDRESS.default) + limits.MAX_WAITING_HASHES_OF_ADDRESS;
const MAX_LISTS = limits.MAX_LISTS_OF_USER_AT_ONCE + limits.MAX_WAITING_READS_OF_USER;

// With its default, the rate of an address would refuse most requests before the rule of a row is asked.
const env = { ...defaultLimits(), RATE_LIMIT: '100000' };
const { url: redisUrl } = await startTestRedis();
const { cluster, database } = await startSystem({ gateways: 1, workers: 1, env, redisUrl });
const target = { url: cluster.urls[0] as string, secret: cluster.secret, database };
const bystander = await openBystander(target);
after(() => bystander.close());

/** Acts as the bystander while the attack runs. Ends an attack without a count after that. @returns its answers */
async function attackBeside(attack: Attack, url = target.url, person = bystander): Promise<Answers> {
  const begun = Promise.withResolvers<void>();
  const ending = new AbortController();
  const running = runAttack(url, attack, begun.resolve, ending.signal);
  try {
    await begun.promise;
    for (let round = 0; round < ROUNDS; round++)
      for (const action of ['GET', 'post'] as const) assert.equal(await person.act(action), undefined, action);
    assert.equal(await person.act('login'), undefined, 'login');
  } finally {
    ending.abort();
  }
  return running;
}

const codesOf = (answers: Answers) => [...answers.keys()].toSorted();
const total = (answers: Answers) => [...answers.values()].reduce((sum, count) => sum + count, 0);

async function countRooms(): Promise<number> {
  const [row] = await database<{ count: number }[]>`select count(*)::int as count from rooms`;
  return row?.count as number;
}

for (const [row, size] of [
  [ROWS[0], 150],
  [ROWS[1], 300],
] as const)
  test(`a user who sends many CreateRoom gets ROOMS_PER_HOUR rooms: ${row.title}`, async () => {
    const before = await countRooms();
    const attack = (await row.prepare(target, size)) as Commands;
    const answers = await attackBeside({ ...attack, seconds: 0.2 });
    assert.deepEqual(Object.fromEntries(answers), { Ack: MAX_ROOMS, rate_limited: size - MAX_ROOMS });
    assert.equal((await countRooms()) - before, MAX_ROOMS);
  });

test('of many lists of users at the same time, a user gets the first, and the others are refused', async () => {
  const attack = (await ROWS[2].prepare(target, 20)) as Attack & { kind: 'requests' };
  const atOnce = MAX_LISTS * 2;
  const answers = await attackBeside({ ...attack, connections: atOnce, perSecond: 1_000_000, count: atOnce });
  assert.deepEqual(codesOf(answers), ['200', '429'], JSON.stringify([...answers]));
  assert.ok((answers.get('200') as number) >= MAX_LISTS);
});

test('a member of 2,000 rooms who connects again and again gets a Welcome each time', async () => {
  const answers = await attackBeside(await ROWS[3].prepare(target, 2_000));
  assert.deepEqual(codesOf(answers), ['Welcome']);
});

for (const edits of [10, 2_000])
  test(`the deletion of a message with ${edits} edits writes three rows`, async () => {
    const attack = (await ROWS[4].prepare(target, edits)) as Commands & { frame: { roomId: string } };
    assert.deepEqual(Object.fromEntries(await attackBeside(attack)), { Ack: 1 });
    const written = await database`
      select command from messages
      where room_id = ${attack.frame.roomId} and xmin = (
        select xmin from messages where room_id = ${attack.frame.roomId} and command = 'DeleteMessage')
      order by command`;
    assert.deepEqual(
      written.map(({ command }) => command),
      ['CreateMessage', 'DeleteMessage', 'UpdateMessage'],
    );
  });

test('of 1,200 commands of three users over 120 sockets, the rates of the users refuse at least half', async () => {
  const attack = (await ROWS[5].prepare(target, 1_200)) as Commands;
  const answers = await attackBeside({ ...attack, seconds: 0.2 });
  assert.deepEqual(codesOf(answers), ['no_such_room', 'rate_limited'], JSON.stringify([...answers]));
  assert.equal(total(answers), 1_200);
  assert.ok((answers.get('rate_limited') as number) >= 600, JSON.stringify([...answers]));
});

test('of many correct logins of one address at the same time, the first succeed, and the others are refused', async () => {
  const attack = await ROWS[6].prepare(target, MAX_PASSWORDS * 2);
  const answers = await attackBeside(attack);
  assert.deepEqual(codesOf(answers), ['200', '429'], JSON.stringify([...answers]));
  assert.ok((answers.get('200') as number) >= MAX_PASSWORDS);
});

test('requests of /readyz over 64 connections are all answered, and most of them do not ask Redis', async () => {
  const redis = new Redis(redisUrl, { retryStrategy: () => null });
  after(() => redis.disconnect());
  const countPings = async () => Number(/cmdstat_ping:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]);
  const before = await countPings();
  const answers = await attackBeside(await ROWS[7].prepare(target, 64));
  assert.deepEqual(codesOf(answers), ['200']);
  const pings = (await countPings()) - before;
  assert.ok(pings < total(answers) / 2, `${pings} pings, ${total(answers)} answers`);
});

test('200 idle connections leave descriptors for others, and one line is logged', async () => {
  const { prepare, size, descriptors } = ROWS[8];
  const url = await cluster.startGateway(undefined, descriptors);
  const person = await openBystander({ ...target, url });
  after(() => person.close());
  await attackBeside(await prepare(target, size), url, person);
  const countLines = () => {
    const log = cluster.logOf(cluster.gateways[1] as (typeof cluster.gateways)[0]);
    return log.match(/too many connections are open/g)?.length ?? 0;
  };
  await until(() => countLines() > 0);
  assert.equal(countLines(), 1);
});
