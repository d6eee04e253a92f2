import type { Cluster } from '../shared/local/cluster.ts';
import { findErrors } from './check.ts';
import { createFixture } from './fixture.ts';
import { Ledger } from './ledger.ts';
import { runClosedLoop, runOpenLoop } from './load.ts';
import { summarize } from './stats.ts';
import { type BenchOptions, withCluster } from './with-cluster.ts';

const MEMBERS_PER_ROOM = 10;
const POLL_AFTER_MS = 5;

export interface SmokeOptions extends BenchOptions {
  /** Sends at this rate, without waiting for acks (open loop). Without it, the loop is closed: see `window`. */
  messagesPerSecond?: number | undefined;
  /** Closed loop only: how many messages of each socket may be without an ack. Default: 5. */
  window?: number | undefined;
  /** How many messages are sent in all. Default: 20,000. */
  messages?: number | undefined;
  /** Each member has one socket. Each room has ten members. Default: 200. */
  members?: number | undefined;
  /** Kills one of the two workers when half of the messages are acked. */
  killWorker?: boolean | undefined;
}

/**
 * Measures how fast two gateways on one port and two workers deliver messages. Then checks every message.
 * @returns one line for each error that it finds
 */
export async function smoke(options: SmokeOptions): Promise<string[]> {
  const { print, messages = 20_000, members = 200, window = 5, killWorker = false, messagesPerSecond } = options;
  const size = { members, rooms: members / MEMBERS_PER_ROOM };
  return withCluster(options, { gateways: 2, workers: 2 }, async (url, cluster, database) => {
    const ledger = new Ledger();
    print(`${members} accounts, ${size.rooms} rooms, ${members} sockets ...`);
    const fixture = await createFixture(url, size, ledger.events);
    const load = messagesPerSecond ? `at ${messagesPerSecond}/s` : `in a closed loop, ${window} in flight per socket`;
    print(`${messages} messages ${load}${killWorker ? ', one worker is killed' : ''} ...`);
    const killTimer = killWorker ? killWorkerAfter(messages / 2, ledger, cluster) : undefined;
    const startedAt = performance.now();
    if (messagesPerSecond) await runOpenLoop(fixture.members, ledger, messages, messagesPerSecond);
    else await runClosedLoop(fixture.members, ledger, messages, window);
    const ackSeconds = (performance.now() - startedAt) / 1_000;
    await ledger.waitForDeliveries(messages * MEMBERS_PER_ROOM);
    const deliverySeconds = (performance.now() - startedAt) / 1_000;
    clearInterval(killTimer);
    print(`  ${Math.round(ledger.acks.size / ackSeconds)} acked messages/s`);
    print(`  ${Math.round(ledger.deliveries / deliverySeconds)} deliveries/s`);
    print(`  send to ack       ${summarize(ledger.ackTimesMs)}`);
    print(`  send to delivery  ${summarize(ledger.deliveryTimesMs)}`);
    return findErrors(fixture, ledger, database);
  });
}

function killWorkerAfter(acks: number, ledger: Ledger, { workers }: Cluster): NodeJS.Timeout {
  const timer = setInterval(() => {
    if (ledger.acks.size < acks) return;
    clearInterval(timer);
    process.kill(workers[0]?.pid as number, 'SIGKILL');
  }, POLL_AFTER_MS);
  return timer;
}
