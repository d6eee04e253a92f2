import { setTimeout as wait } from 'node:timers/promises';
import { standingRoomIds } from '../../shared/contract/ids.ts';
import type { Account } from '../accounts.ts';
import { inParallel } from '../call-api.ts';
import { createRooms } from '../fixture.ts';
import { Latency } from '../latency.ts';
import { Ledger, type LedgerRoom } from '../ledger.ts';
import { runOpenLoop } from '../load.ts';
import { type Figures, printFigures, type Result } from '../measure.ts';
import { Member } from '../member.ts';
import { gatewayKb } from '../memory.ts';
import { type ClientsReport, ReturningClients } from '../returning/returning-clients.ts';
import { countStatements } from '../statement-count.ts';
import type { System } from '../with-cluster.ts';

/** Nine of the ten members of a room are on the gateway that is killed. */
const MEMBERS_PER_ROOM = 10;
const CLIENT_PROCESSES = 2;
const MAX_CONNECTS_AT_ONCE = 50;
/** Messages are sent for this time after the kill. */
const SECONDS_AFTER = 15;
const MAX_MEMORY_SETTLE_MS = 3_000;

interface ReconnectOptions {
  /** The sockets of the gateway that is killed. Default: 10,000. */
  sockets?: number | undefined;
  /** Messages per second in all rooms together, from members on the other gateway. Default: 500. */
  rate?: number | undefined;
  /** How long the normal state is measured. Default: 10. */
  seconds?: number | undefined;
}

/**
 * Kills a gateway with SIGKILL. Its clients go to the other gateway, each with its positions, and must get every message
 * that they missed, once and in order.
 */
export async function measureReconnect(system: System, options: ReconnectOptions): Promise<Result> {
  const { sockets = 10_000, rate = 500, seconds = 10 } = options;
  const { print, cluster, database, urls } = system;
  const rooms = Math.ceil(sockets / (MEMBERS_PER_ROOM - 1));
  print(`${rooms} rooms of ${MEMBERS_PER_ROOM} ...`);
  const { accounts, roomIds } = await createRooms(system, { members: rooms * MEMBERS_PER_ROOM, rooms });
  const ledger = new Ledger(rate * (seconds + SECONDS_AFTER));
  const senders = await openSenders(urls[1] as string, accounts.slice(0, rooms), roomIds, ledger);
  const returning = await openClients(urls, accounts.slice(rooms, rooms + sockets), print);
  const sending = runOpenLoop(senders, ledger, rate * (seconds + SECONDS_AFTER), rate);
  ledger.measureFromNow();
  await wait(seconds * 1_000);
  const survivorMetrics = cluster.metricsUrls[1] as string;
  const before = {
    ackP99Ms: ledger.acks.percentileMs(99),
    kb: survivorKb(system),
    statements: await countStatements(survivorMetrics),
  };
  ledger.measureFromNow();
  print('  one gateway is killed ...');
  process.kill(cluster.gateways[0]?.pid as number, 'SIGKILL');
  const reports = await Promise.all(returning.map((clients) => clients.waitUntilBack()));
  const during = { ackP99Ms: ledger.acks.percentileMs(99), statements: await countStatements(survivorMetrics) };
  await sending;
  await wait(MAX_MEMORY_SETTLE_MS);
  const figures: Figures = {
    sockets,
    ...timesOf(reports),
    'messages that they got': reports.reduce((sum, { received }) => sum + received, 0),
    'statements of the gateway': during.statements - before.statements,
    'ack p99 ms before': before.ackP99Ms,
    'ack p99 ms meanwhile': during.ackP99Ms,
    'gateway MB before': before.kb / 1_024,
    'gateway MB more': (survivorKb(system) - before.kb) / 1_024,
  };
  printFigures(figures, print);
  const errors = [...ledger.errors, ...(await checkPositions(returning, database))];
  for (const sender of senders) sender.close();
  await Promise.all(returning.map((clients) => clients.close()));
  return { errors, figures };
}

/** The first member of each room writes in it, on the gateway that stays. */
function openSenders(url: string, accounts: Account[], roomIds: string[], ledger: Ledger): Promise<Member[]> {
  const connect = (index: number) => {
    const room: LedgerRoom = { id: roomIds[index] as string, initialSeq: MEMBERS_PER_ROOM, order: [] };
    return Member.connect(url, (accounts[index] as Account).token, [room], index, ledger);
  };
  return inParallel(accounts.length, connect, MAX_CONNECTS_AT_ONCE);
}

function openClients(urls: string[], accounts: Account[], print: System['print']): Promise<ReturningClients[]> {
  print(`${accounts.length} clients on the first gateway ...`);
  const open = (part: number) => {
    const own = accounts.filter((_, index) => index % CLIENT_PROCESSES === part);
    const [url, nextUrl] = urls as [string, string];
    return ReturningClients.open(
      url,
      nextUrl,
      own.map(({ token }) => token),
    );
  };
  return inParallel(CLIENT_PROCESSES, open, CLIENT_PROCESSES);
}

const survivorKb = ({ cluster }: System) => gatewayKb({ gateways: cluster.gateways.slice(1) } as System['cluster']);

function timesOf(reports: ClientsReport[]): Figures {
  const latency = new Latency();
  for (const { times } of reports) for (const each of times) latency.record(each);
  const percentile = (percent: number) => latency.percentileMs(percent) / 1_000;
  return { 'back p50 s': percentile(50), 'back p99 s': percentile(99), 'back max s': percentile(100) };
}

/** Each client must have every message of its rooms. */
async function checkPositions(returning: ReturningClients[], database: System['database']): Promise<string[]> {
  const errors: string[] = [];
  for (const clients of returning) {
    const report = await clients.report();
    errors.push(...report.errors);
    // The standing rooms have ids of their own, and no messages.
    const ids = Object.keys(report.positions).filter((id) => !standingRoomIds.some((standing) => standing === id));
    const heads = await database<{ id: string; seq: number }[]>`select id, seq from rooms where id in ${database(ids)}`;
    for (const { id, seq } of heads)
      if (report.positions[id] !== seq) errors.push(`${id}: a client is at ${report.positions[id]}, not at ${seq}`);
  }
  return errors;
}
