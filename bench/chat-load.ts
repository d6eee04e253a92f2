import { setTimeout as wait } from 'node:timers/promises';
import { findErrors } from './check.ts';
import { createFixture } from './fixture.ts';
import { Ledger } from './ledger.ts';
import { runClosedLoop, runOpenLoop } from './load.ts';
import { printFigures, type Result, startMeasuring } from './measure.ts';
import { showProgress } from './progress.ts';
import type { System } from './with-cluster.ts';

/** The ledger has space for this many messages in each second of a closed loop. */
const MAX_MESSAGES_PER_SECOND = 60_000;

export interface ChatLoad {
  rooms: number;
  /** How many members each room has. Each member has one socket. */
  members: number;
  /** How many sockets there are: a member with few sockets is in several rooms. Default: one for each room of each member. */
  sockets?: number | undefined;
  /** How many of the members send. Default: all. They are spread over the rooms. */
  senders?: number | undefined;
  /** Sends at this rate, without waiting for acks (open loop). Without it, the loop is closed: see `window`. */
  rate?: number | undefined;
  /** Closed loop only: how many messages of each sender may be without an ack. Default: 5. */
  window?: number | undefined;
  /** How long the load is measured. Default: 10. */
  seconds?: number | undefined;
  /** How long the load runs before it is measured. Default: 2. */
  warmUpSeconds?: number | undefined;
}

/** Members write in rooms. Measures throughput, latency and processor time, and checks each message. */
export async function runChatLoad(system: System, load: ChatLoad): Promise<Result> {
  const { rooms, members, sockets = rooms * members, rate, window = 5, seconds = 10, warmUpSeconds = 2 } = load;
  const { print } = system;
  const totalSeconds = warmUpSeconds + seconds;
  const ledger = new Ledger(totalSeconds * (rate ?? MAX_MESSAGES_PER_SECOND));
  print(`${rooms} rooms with ${members} members each, ${sockets} sockets ...`);
  const fixture = await createFixture(system, { rooms, members: sockets, roomSize: members }, ledger);
  const senders = fixture.members.slice(0, load.senders);
  const kind = rate ? `at ${rate} messages/s` : `in a closed loop, ${window} in flight for each sender`;
  print(`${senders.length} senders, ${seconds} s ${kind} ...`);
  const stopProgress = showProgress(ledger, print);
  const endsAt = performance.now() + totalSeconds * 1_000;
  const running = rate
    ? runOpenLoop(senders, ledger, rate * totalSeconds, rate)
    : runClosedLoop(senders, ledger, window, () => performance.now() >= endsAt);
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
