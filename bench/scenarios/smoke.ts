import type { Cluster } from '../../shared/local/cluster.ts';
import { findErrors } from '../check.ts';
import { createFixture } from '../fixture.ts';
import { Ledger } from '../ledger.ts';
import { runClosedLoop, runOpenLoop } from '../load.ts';
import { printFigures, type Result, startCpu } from '../measure.ts';
import { showProgress } from '../progress.ts';
import type { System } from '../with-cluster.ts';

const MEMBERS_PER_ROOM = 10;
const POLL_AFTER_MS = 5;

export interface SmokeOptions {
  /** Sends at this rate, without waiting for acks (open loop). Without it, the loop is closed: see `window`. */
  rate?: number | undefined;
  /** Closed loop only: how many messages of each socket may be without an ack. Default: 5. */
  window?: number | undefined;
  /** How many messages are sent in all. Default: 20,000. */
  messages?: number | undefined;
  /** The number of rooms. Each room has ten members, and each member has one socket. Default: 20. */
  rooms?: number | undefined;
  /** Kills one of the two workers when half of the messages are acked. */
  killWorker?: boolean | undefined;
}

/** Measures how fast the system delivers a fixed number of messages. Then checks every message. */
export async function measureSmoke(system: System, options: SmokeOptions): Promise<Result> {
  const { messages = 20_000, rooms = 20, window = 5, killWorker = false, rate } = options;
  const { print } = system;
  const size = { members: rooms * MEMBERS_PER_ROOM, rooms };
  const ledger = new Ledger(messages);
  print(`${size.members} accounts, ${rooms} rooms, ${size.members} sockets ...`);
  const fixture = await createFixture(system, size, ledger);
  const load = rate ? `at ${rate}/s` : `in a closed loop, ${window} in flight per socket`;
  print(`${messages} messages ${load}${killWorker ? ', one worker is killed' : ''} ...`);
  const stopProgress = showProgress(ledger, print);
  const killTimer = killWorker ? killWorkerAfter(messages / 2, ledger, system.cluster) : undefined;
  const measureCpu = startCpu(system.readCpu);
  const startedAt = performance.now();
  if (rate) await runOpenLoop(fixture.members, ledger, messages, rate);
  else await runClosedLoop(fixture.members, ledger, window, () => ledger.isFull);
  const ackSeconds = (performance.now() - startedAt) / 1_000;
  await ledger.waitForDeliveries(messages * MEMBERS_PER_ROOM);
  const deliverySeconds = (performance.now() - startedAt) / 1_000;
  clearInterval(killTimer);
  stopProgress();
  const cpu = measureCpu(ledger.acked);
  const rates = { 'acked/s': ledger.acked / ackSeconds, 'deliveries/s': ledger.delivered / deliverySeconds };
  print(`  ${Math.round(rates['acked/s'])} acked messages/s`);
  print(`  ${Math.round(rates['deliveries/s'])} deliveries/s`);
  print(`  send to ack       ${ledger.acks.summarize()}`);
  print(`  send to delivery  ${ledger.deliveries.summarize()}`);
  printFigures(cpu, print);
  const errors = await findErrors(fixture, ledger, system.database);
  for (const member of fixture.members) member.close();
  return { errors, figures: { ...rates, ...cpu } };
}

function killWorkerAfter(acks: number, ledger: Ledger, { workers }: Cluster): NodeJS.Timeout {
  const timer = setInterval(() => {
    if (ledger.acked < acks) return;
    clearInterval(timer);
    process.kill(workers[0]?.pid as number, 'SIGKILL');
  }, POLL_AFTER_MS);
  return timer;
}
