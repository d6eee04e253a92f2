import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Figures, formatNumber, type Result } from '../measure.ts';
import type { BenchOptions } from '../with-cluster.ts';
import { binaries } from '../with-services.ts';
import { allPeers } from './all-peers.ts';
import { insertRows, insertShapes } from './bare-insert.ts';
import { comparisonTable, type Turn } from './comparison-table.ts';
import type { Environment, Peer } from './peer.ts';
import { writeReport } from './report.ts';
import { rooms as roomsPeer } from './rooms.ts';
import { FAULTS, type Load, runPeer } from './run-peer.ts';

const WARM_UP_SECONDS = 2;

export interface ComparePeersOptions extends BenchOptions {
  /** How often each peer runs. Default: 5. */
  times?: number | undefined;
  /** Default: 100. */
  rooms?: number | undefined;
  /** How many members each room has. Each member has one socket. Default: 10. */
  members?: number | undefined;
  /** Sends at this rate, without waiting for acks (open loop). Without it, the loop is closed: see `window`. */
  rate?: number | undefined;
  /** Closed loop only: how many messages of each socket may be without an ack. Default: 5. */
  window?: number | undefined;
  /** How long each peer is measured in each turn, after two seconds that are not measured. Default: 5. */
  seconds?: number | undefined;
  /** Writes the table into `bench/peers/report.md`. */
  report?: boolean | undefined;
}

/** Runs Rooms and other chat servers in turns, with the same rooms, members and load, and compares them. */
export async function comparePeers(options: ComparePeersOptions): Promise<Result> {
  const { times = 5, rooms = 100, members = 10, rate, window = 5, seconds = 5, print } = options;
  const logs = mkdtempSync(join(tmpdir(), 'rooms-bench-peers-'));
  const environment = { ...options, binaries, logs, rooms, members: rooms * members };
  print(`${rooms} rooms with ${members} members each, ${times} turns of ${seconds} s`);
  const peers = await installPeers(print);
  const turns: Turn[] = [];
  const errors: string[] = [];
  for (let turn = 0; turn < times; turn++) {
    print(`turn ${turn + 1} of ${times}`);
    // Each turn begins with another peer, so no peer always runs after the same one.
    const order = peers.map((_, place) => peers[(turn + place) % peers.length] as Peer);
    turns.push(
      await runTurn(order, environment, { rate, window, seconds, warmUpSeconds: WARM_UP_SECONDS }, (line) =>
        print(`  ${line}`),
      ),
    );
    errors.push(...findErrors(turns.at(-1) as Turn));
  }
  rmSync(logs, { recursive: true });
  const table = comparisonTable(turns, roomsPeer.title);
  print(table);
  const loop = rate ? `${rate} messages a second` : `closed loop, ${window} in flight per socket`;
  if (options.report)
    writeReport(`${rooms} rooms with ${members} members, ${loop}`, `${times} turns of ${seconds} s.\n\n${table}`);
  return { errors, figures: turns.at(-1)?.get(roomsPeer.title) as Figures };
}

/** @returns the peers that can run on this machine, after it has installed what is missing */
async function installPeers(print: (line: string) => void): Promise<Peer[]> {
  const isReady = await Promise.all(allPeers.map((peer) => peer.install?.(binaries, print) ?? true));
  for (const [index, peer] of allPeers.entries()) if (!isReady[index]) print(`${peer.title} is left out`);
  return allPeers.filter((_, index) => isReady[index]);
}

/** Runs each peer once. The bare inserts follow Rooms, because they take the rows that Rooms stored. */
async function runTurn(
  peers: Peer[],
  environment: Environment,
  load: Load,
  print: (line: string) => void,
): Promise<Turn> {
  const turn: Turn = new Map();
  const record = (title: string, figures: Figures) => {
    turn.set(title, figures);
    print(`${title}: ${describe(figures)}`);
  };
  for (const peer of peers) {
    record(peer.title, await runPeer(peer, environment, load));
    if (peer !== roomsPeer) continue;
    for (const shape of insertShapes) record(shape.title, await insertRows(shape, environment));
  }
  return turn;
}

function describe(figures: Figures): string {
  const names = ['acked/s', 'deliveries/s', 'delivery p50 ms', 'server CPU s/100k', 'client cores', 'other cores'];
  const known = names.filter((name) => name in figures);
  return known.map((name) => `${formatNumber(figures[name] as number)} ${name}`).join(', ');
}

/** Only the errors of Rooms count. What the other peers lose is a result. */
function findErrors(turn: Turn): string[] {
  const figures = turn.get(roomsPeer.title) as Figures;
  return FAULTS.filter((fault) => figures[fault] !== 0).map((fault) => `Rooms: ${figures[fault]} ${fault}`);
}
