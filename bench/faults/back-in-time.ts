import { setTimeout as wait } from 'node:timers/promises';
import { checkHistory, type Violation } from '../proof/check-history.ts';
import type { Traffic } from '../proof/traffic.ts';
import type { Fault, FaultTarget } from './fault.ts';

const SEND_AFTERWARDS_MS = 5_000;
const SETTLE_TIMEOUT_MS = 40_000;
const IDLE_MS = 3_000;

/** Postgres is what it was at the begin of the fault, as after a failover to a replica that was behind. */
export const goBackInTime: Fault = async (target) => {
  const { system } = target;
  await system.copyPostgres();
  return async () => {
    const fromMs = performance.now();
    await system.restorePostgres();
    target.wentBack = { fromMs, toMs: performance.now() };
  };
};

/**
 * The same users go on in the same rooms, with a new record. Every promise must hold again for it. Also measures how much
 * the gateways read when nothing happens.
 */
export async function checkAfterwards(target: FaultTarget, traffic: Traffic): Promise<Violation[]> {
  const { system, random, measured } = target;
  const next = await traffic.goOn(system, random);
  try {
    const sending = next.send();
    await wait(SEND_AFTERWARDS_MS);
    next.stopSending();
    await sending;
    await next.settle(system.database, SETTLE_TIMEOUT_MS);
    const history = await next.recorder.readHistory(system.database);
    measured.acksAfterwards = history.events.filter(({ kind }) => kind === 'acked').length;
    measured.idleReadsPerS = await measureIdleReads(target);
    return checkHistory(history);
  } finally {
    next.stop();
  }
}

async function measureIdleReads({ system }: FaultTarget): Promise<number> {
  const pools = system.linksOf('gateway').map(({ postgres }) => postgres);
  let reads = 0;
  for (const pool of pools)
    pool.onRequest = (bytes) => {
      reads++;
      return bytes;
    };
  await wait(IDLE_MS);
  for (const pool of pools) pool.heal();
  return (reads / IDLE_MS) * 1_000;
}
