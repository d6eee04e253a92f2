import { setTimeout as wait } from 'node:timers/promises';
import { connectDatabase } from '../../shared/database.ts';
import { inParallel } from '../call-api.ts';
import { createCpuReader } from '../cpu.ts';
import { runClosedLoop, runOpenLoop } from '../load.ts';
import { type Figures, startMeasuring } from '../measure.ts';
import { Refs } from '../refs.ts';
import type { Environment, Peer, RunningPeer } from './peer.ts';
import { PeerLedger } from './peer-ledger.ts';
import { PeerMember } from './peer-member.ts';

const MAX_CONNECTS_AT_ONCE = 64;

export interface Load {
  /** How long the load runs before it is measured. */
  warmUpSeconds: number;
  /** How long the load is measured. */
  seconds: number;
  /** Closed loop: how many messages of each socket may be without an ack. */
  window: number;
  /** Sends this number of messages per second, without waiting for acks (open loop). */
  rate?: number | undefined;
}

/** The figures that count what a peer did wrong. */
export const FAULTS = ['not acked', 'lost', 'doubled', 'out of order'] as const;

/** Starts a peer, opens a socket for each member, sends, stops the peer. @returns what was measured */
export async function runPeer(peer: Peer, environment: Environment, load: Load): Promise<Figures> {
  const setup = { ...environment, refs: new Refs() };
  const running = await peer.start(setup);
  try {
    const ledger = new PeerLedger(setup);
    const connect = (number: number) => {
      const url = running.urls[Math.floor(number / setup.rooms) % running.urls.length] as string;
      return PeerMember.connect(url, running.dialect, number, ledger);
    };
    const members = await inParallel(setup.members, connect, MAX_CONNECTS_AT_ONCE);
    const figures = await measureLoad(members, ledger, load, await readCpuOf(running, setup));
    await ledger.waitForDeliveries(ledger.sent * running.receivers);
    for (const member of members) member.close();
    return {
      ...figures,
      messages: ledger.sent,
      receivers: running.receivers,
      ...findFaults(ledger, running.receivers),
    };
  } finally {
    await running.stop();
  }
}

async function measureLoad(
  members: PeerMember[],
  ledger: PeerLedger,
  { warmUpSeconds, seconds, window, rate }: Load,
  readCpu: Parameters<typeof startMeasuring>[1],
): Promise<Figures> {
  const totalSeconds = warmUpSeconds + seconds;
  const endsAt = performance.now() + totalSeconds * 1_000;
  const sending = rate
    ? runOpenLoop(members, ledger, rate * totalSeconds, rate)
    : runClosedLoop(members, ledger, window, () => performance.now() >= endsAt);
  await wait(warmUpSeconds * 1_000);
  const measure = startMeasuring(ledger, readCpu);
  await wait(seconds * 1_000);
  const figures = measure();
  await sending;
  return figures;
}

function findFaults(ledger: PeerLedger, receivers: number): Record<(typeof FAULTS)[number], number> {
  const { lost, doubled, outOfOrder } = ledger.findFaults(receivers);
  return { 'not acked': ledger.sent - ledger.acked, lost, doubled, 'out of order': outOfOrder };
}

/** All processes of a peer count as one kind. */
async function readCpuOf({ children }: RunningPeer, { databaseUrl, redisUrl }: Environment) {
  const database = connectDatabase(databaseUrl, { name: 'bench-peers', max: 1, readOnly: true, timeout: 0 });
  const readCpu = await createCpuReader({ gateways: children, workers: [] }, database, redisUrl);
  await database.end();
  return readCpu;
}
