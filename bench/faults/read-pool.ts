import { setTimeout as wait } from 'node:timers/promises';
import { type Fault, type FaultTarget, type Heal, pick, repeat } from './fault.ts';

const READ_EVERY_MS = 100;
const READ_TIMEOUT_MS = 12_000;
/** The pools open all their connections in this time. */
const OPEN_POOLS_MS = 2_000;
const CUTS = 5;
const CUT_EVERY_MS = 500;
const GIVE_UP_AFTER_MS = 10_000;
const CHECK_EVERY_MS = 50;

/** The connections of the gateways' pools are ended several times, while all users read again and again. */
export const cutReadPools: Fault = async (target) => {
  const stopReading = readAgainAndAgain(target);
  await wait(OPEN_POOLS_MS);
  const before = await countConnections(target);
  for (let cut = 0; cut < CUTS; cut++) {
    await endConnections(target);
    await wait(CUT_EVERY_MS);
  }
  const cutAtMs = performance.now();
  await endConnections(target);
  target.measured.poolBackMs = await measureReturn(target, before, cutAtMs);
  return stopReading;
};

/** All at once, so each pool needs each of its connections. */
function readAgainAndAgain(target: FaultTarget): Heal {
  const { participants, measured } = target;
  measured.lostReads = 0;
  return repeat(READ_EVERY_MS, () => Promise.all(participants.map(({ account }) => readOne(target, account.token))));
}

/** A read may be refused, as by a 503. Without an answer, or with the error of a program, it is lost. */
async function readOne({ system, roomIds, random, measured }: FaultTarget, token: string): Promise<void> {
  const path = random(2) === 0 ? '/api/rooms' : `/api/messages/${pick(roomIds, random)}?size=50`;
  try {
    const answer = await fetch(`${pick(system.urls, random)}${path}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(READ_TIMEOUT_MS),
    });
    await answer.arrayBuffer();
    if (answer.status !== 500) return;
  } catch {
    // Counts as lost.
  }
  measured.lostReads = (measured.lostReads ?? 0) + 1;
}

async function countConnections({ system }: FaultTarget): Promise<number> {
  const [row] = await system.database<{ count: number }[]>`
    select count(*)::int as count from pg_stat_activity where application_name = 'rooms-gateway'`;
  return row?.count ?? 0;
}

const endConnections = ({ system }: FaultTarget) =>
  system.database`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'rooms-gateway'`;

async function measureReturn(target: FaultTarget, wanted: number, cutAtMs: number): Promise<number> {
  while (performance.now() - cutAtMs < GIVE_UP_AFTER_MS) {
    await wait(CHECK_EVERY_MS);
    if ((await countConnections(target)) >= wanted) return performance.now() - cutAtMs;
  }
  return Number.POSITIVE_INFINITY;
}
