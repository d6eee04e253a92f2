import { setTimeout as wait } from 'node:timers/promises';
import { findErrors } from '../check.ts';
import { createFixture } from '../fixture.ts';
import { Ledger } from '../ledger.ts';
import { runClosedLoop, runOpenLoop } from '../load.ts';
import { printFigures, type Result, startMeasuring } from '../measure.ts';
import { showProgress } from '../progress.ts';
import { type BenchOptions, type System, withCluster } from '../with-cluster.ts';

/** The ledger has space for this many messages in each second of a closed loop. */
const MAX_MESSAGES_PER_SECOND = 60_000;

export interface ChatOptions extends BenchOptions {
  /** Default: 100. */
  rooms?: number | undefined;
  /** How many members each room has. Each member has one socket. Default: 10. */
  members?: number | undefined;
  /** Sends at this rate, without waiting for acks (open loop). Without it, the loop is closed: see `window`. */
  rate?: number | undefined;
  /** Closed loop only: how many messages of each socket may be without an ack. Default: 5. */
  window?: number | undefined;
  /** How long the load is measured. Default: 10. */
  seconds?: number | undefined;
  /** How long the load runs before it is measured. Default: 2. */
  warmUpSeconds?: number;
}

/** Members write in many rooms at the same time. Measures throughput, latency and processor time, checks each message. */
export async function chat(options: ChatOptions): Promise<Result> {
  return withCluster(options, { gateways: 1, workers: 1 }, (system) => measureChat(system, options));
}

/** Runs the load of {@link chat} on a system that already runs. */
async function measureChat(
  system: System,
  options: Omit<ChatOptions, keyof BenchOptions> & Pick<ChatOptions, 'print'>,
): Promise<Result> {
  const { print, rooms = 100, members = 10, rate, window = 5, seconds = 10, warmUpSeconds = 2 } = options;
  const totalSeconds = warmUpSeconds + seconds;
  const ledger = new Ledger(totalSeconds * (rate ?? MAX_MESSAGES_PER_SECOND));
  print(`${rooms} rooms with ${members} members each, ${rooms * members} sockets ...`);
  const fixture = await createFixture(system, { rooms, members: rooms * members }, ledger);
  print(`${seconds} s ${rate ? `at ${rate} messages/s` : `in a closed loop, ${window} in flight per socket`} ...`);
  const stopProgress = showProgress(ledger, print);
  const endsAt = performance.now() + totalSeconds * 1_000;
  const running = rate
    ? runOpenLoop(fixture.members, ledger, rate * totalSeconds, rate)
    : runClosedLoop(fixture.members, ledger, window, () => performance.now() >= endsAt);
  await wait(warmUpSeconds * 1_000);
  const measure = startMeasuring(ledger, system.readCpu);
  await wait(seconds * 1_000);
  const figures = measure();
  await running;
  await ledger.waitForDeliveries(ledger.acked * members);
  stopProgress();
  printFigures(figures, print);
  const errors = await findErrors(fixture, ledger, system.database);
  for (const member of fixture.members) member.close();
  return { errors, figures };
}
