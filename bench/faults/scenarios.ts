import type { RunFigures } from '../proof/figures.ts';
import type { TrafficSize } from '../proof/traffic.ts';
import { goBackInTime } from './back-in-time.ts';
import { jumpClock } from './clock-faults.ts';
import type { MeasuredName, ScheduledFault } from './fault.ts';
import {
  cutAtRandom,
  cutAtReplies,
  cutLinks,
  disturbPublications,
  LINK_GROUPS,
  type LinkName,
  loseReplies,
  slowAllLinks,
  stopReaders,
} from './link-faults.ts';
import {
  killGateway,
  killWorker,
  killWorkerAndGateway,
  pauseGateway,
  pauseWorkerWithBatch,
  restartAll,
  sendPoison,
  stopAllWorkers,
} from './process-faults.ts';
import { cutReadPools } from './read-pool.ts';
import {
  fillRedis,
  killBackends,
  killSubscribers,
  lockRoom,
  makePostgresReadOnly,
  pausePostgres,
  pauseRedis,
  restartPostgres,
  restartRedis,
  swallowReplies,
} from './service-faults.ts';

export interface Scenario {
  name: string;
  /** For the table: what happens. */
  what: string;
  faults: ScheduledFault[];
  /** The traffic runs for this time before the faults. Default: 3,000. */
  calmMs?: number;
  /** The traffic continues for this time after the faults. Default: 4,000. */
  recoveryMs?: number;
  traffic?: Partial<TrafficSize>;
  /** While the faults last, the last frame may arrive this long after a logout. Default: 5,000. */
  maxAfterRevocationMs?: number;
  /** Runs only where libfaketime is installed, and not among the mixed faults of a long run. */
  needsFakeClock?: boolean;
  /** The largest allowed values of the figures. */
  limits?: Partial<Record<Exclude<keyof RunFigures, 'refusals'> | 'memoryMiB' | MeasuredName, number>>;
}

/** Rooms must give every client an outcome in this time, or close its connection. */
const NOTICE = { noticeMaxMs: 16_000 };
/** A lost publication must be noticed in this time. */
const LAG = { lagMaxMs: 2_000 };
/** A batch is sent again after one second. Each second reply is lost, so a command can wait for two batches. */
const LOST_REPLY_MS = 2_500;
const RECOVER_MS = 3_500;
/** In a known outage, Rooms refuses new commands in this time. */
const OUTAGE = { outageAnswerP99Ms: 2_500, memoryMiB: 50 };

const WAYS = ['rst', 'fin', 'deaf', 'accept-deaf'] as const;

/** One kind of connection fails in one way. The two ways that stay deaf need time to be noticed. */
function cutScenarios(): Scenario[] {
  const names = Object.keys(LINK_GROUPS) as LinkName[];
  return names.flatMap((name) =>
    WAYS.map(
      (way): Scenario => ({
        name: `cut ${name} ${way}`.replaceAll(' ', '-'),
        what: `${name}: ${way}`,
        faults: [{ fault: cutLinks(name, way), forMs: way === 'accept-deaf' ? 8_000 : 0 }],
        recoveryMs: 12_000,
        limits: { recoverMs: 10_000, noticeMaxMs: 16_000, late: 0 },
      }),
    ),
  );
}

/** The faults of section "Faults" in docs/faults.md. */
export const SCENARIOS: Scenario[] = [
  {
    name: 'nothing',
    what: 'no fault: the figures to compare with',
    faults: [],
    limits: { recoverMs: 500, lagMaxMs: 1_000, unknown: 0 },
  },
  {
    name: 'worker-killed-before-commit',
    what: 'a worker is killed when it sends a batch to Postgres',
    faults: [{ fault: killWorker('before the commit') }],
    limits: { ...NOTICE, recoverMs: RECOVER_MS },
  },
  {
    name: 'worker-killed-after-commit',
    what: 'a worker is killed after the commit, before it publishes',
    faults: [{ fault: killWorker('after the commit') }],
    limits: { ...NOTICE, ...LAG, recoverMs: RECOVER_MS },
  },
  {
    name: 'worker-and-gateway-killed',
    what: 'the same, and a gateway is killed in this moment',
    faults: [{ fault: killWorkerAndGateway }],
    limits: { ...NOTICE, ...LAG, recoverMs: RECOVER_MS },
  },
  {
    name: 'worker-paused',
    what: 'a worker with a batch is stopped for 30 s',
    faults: [{ fault: pauseWorkerWithBatch, forMs: 30_000 }],
    limits: { ...NOTICE, recoverMs: RECOVER_MS },
  },
  {
    name: 'no-workers',
    what: 'no worker runs for 20 s',
    faults: [{ fault: stopAllWorkers, forMs: 20_000 }],
    limits: { ...NOTICE, ...OUTAGE, recoverMs: RECOVER_MS },
  },
  {
    name: 'redis-killed',
    what: 'Redis is killed, and comes back with its data',
    faults: [{ fault: restartRedis(false) }],
    limits: { ...NOTICE, recoverMs: RECOVER_MS },
  },
  {
    name: 'redis-empty',
    what: 'Redis is killed, and comes back empty',
    faults: [{ fault: restartRedis(true) }],
    limits: { ...NOTICE, recoverMs: RECOVER_MS },
  },
  {
    name: 'redis-paused',
    what: 'Redis is stopped for 20 s',
    faults: [{ fault: pauseRedis, forMs: 20_000 }],
    limits: { ...NOTICE, ...OUTAGE, recoverMs: RECOVER_MS },
  },
  {
    name: 'redis-full',
    what: 'Redis is out of memory for 8 s',
    faults: [{ fault: fillRedis, forMs: 8_000 }],
    limits: { ...NOTICE, recoverMs: RECOVER_MS },
  },
  {
    name: 'subscribers-killed',
    what: 'every subscriber connection is killed each second, for 8 s',
    faults: [{ fault: killSubscribers, forMs: 8_000 }],
    limits: { ...NOTICE, ...LAG, recoverMs: RECOVER_MS },
  },
  {
    name: 'publications-disturbed',
    what: '5 % of the publications are dropped, doubled or swapped, for 8 s',
    faults: [{ fault: disturbPublications, forMs: 8_000 }],
    limits: { ...NOTICE, ...LAG, recoverMs: RECOVER_MS },
  },
  {
    name: 'replies-lost',
    what: 'each second reply of a worker to a gateway is lost, for 8 s',
    faults: [{ fault: loseReplies, forMs: 8_000 }],
    limits: { noticeMaxMs: LOST_REPLY_MS, recoverMs: RECOVER_MS },
  },
  {
    name: 'cut-at-reply',
    what: 'each second, a subscriber connection is cut when a reply arrives, for 8 s',
    faults: [{ fault: cutAtReplies, forMs: 8_000 }],
    limits: { noticeMaxMs: LOST_REPLY_MS, recoverMs: RECOVER_MS },
  },
  {
    name: 'gateway-killed',
    what: 'a gateway is killed, its clients go to the other one',
    faults: [{ fault: killGateway, forMs: 3_000 }],
    limits: { ...NOTICE, recoverMs: RECOVER_MS },
  },
  {
    name: 'gateway-paused',
    what: 'a gateway is stopped for 15 s, and Redis cuts its subscriber',
    faults: [{ fault: pauseGateway, forMs: 15_000 }],
    // A stopped process cannot close its sockets, and what it has sent arrives.
    maxAfterRevocationMs: 20_000,
    limits: { recoverMs: RECOVER_MS },
  },
  {
    name: 'postgres-restarted',
    what: 'Postgres ends at once and starts again',
    faults: [{ fault: restartPostgres }],
    limits: { ...NOTICE, recoverMs: RECOVER_MS },
  },
  {
    name: 'back-in-time',
    what: 'Postgres loses its last 5 s; what was acked in this time is lost, and all clients load everything again',
    faults: [{ fault: goBackInTime, forMs: 5_000 }],
    recoveryMs: 8_000,
    // Postgres also forgets logouts, so the tokens of these users would be wrong.
    traffic: { hasLogouts: false },
    limits: { ...NOTICE, reloadMs: 5_000, idleReadsPerS: 30, recoverMs: 5_000 },
  },
  {
    name: 'backends-killed',
    what: 'a fifth of the connections to Postgres is killed every 15 ms, for 8 s',
    faults: [{ fault: killBackends, forMs: 8_000 }],
    limits: { ...NOTICE, recoverMs: RECOVER_MS },
  },
  {
    name: 'read-pool-cut',
    what: 'all connections of the gateways to Postgres are ended six times, while 400 reads a second arrive',
    faults: [{ fault: cutReadPools }],
    limits: { ...NOTICE, poolBackMs: 5_000, lostReads: 0, recoverMs: RECOVER_MS },
  },
  {
    name: 'clock-jump',
    what: 'the clock of all processes and of Postgres jumps one hour ahead, and 8 s later back',
    needsFakeClock: true,
    faults: [{ fault: jumpClock, forMs: 8_000 }],
    limits: { ...NOTICE, gapMaxMs: 1_000, expired: 0, recoverMs: RECOVER_MS },
  },
  {
    name: 'replies-swallowed',
    what: 'after 20 commits, the answer of Postgres is lost and the connection too',
    faults: [{ fault: swallowReplies, forMs: 8_000 }],
    limits: { ...NOTICE, recoverMs: RECOVER_MS },
  },
  {
    name: 'room-locked',
    what: 'the row of one room is locked for 11 s',
    faults: [{ fault: lockRoom, forMs: 11_000 }],
    calmMs: 11_000,
    limits: { ...NOTICE, otherRoomsRatio: 2, recoverMs: RECOVER_MS },
  },
  {
    name: 'poison-command',
    what: 'one command kills each worker that sends it to Postgres',
    faults: [{ fault: sendPoison, forMs: 15_000 }],
    limits: { ...NOTICE, deaths: 3, recoverMs: RECOVER_MS },
  },
  {
    name: 'postgres-paused',
    what: 'Postgres is stopped for 20 s',
    faults: [{ fault: pausePostgres, forMs: 20_000 }],
    limits: { ...NOTICE, ...OUTAGE, recoverMs: RECOVER_MS },
  },
  {
    name: 'postgres-read-only',
    what: 'Postgres refuses all writes for 8 s',
    faults: [{ fault: makePostgresReadOnly, forMs: 8_000 }],
    limits: { ...NOTICE, recoverMs: RECOVER_MS },
  },
  {
    name: 'links-slow',
    what: 'every link has a round trip of 200 ms and 1 Mbit/s, for 8 s',
    faults: [{ fault: slowAllLinks, forMs: 8_000 }],
    limits: { ...NOTICE, recoverMs: RECOVER_MS },
  },
  {
    name: 'links-cut',
    what: 'every 300 ms one link in ten is cut, for 8 s',
    faults: [{ fault: cutAtRandom, forMs: 8_000 }],
    limits: { ...NOTICE, recoverMs: RECOVER_MS },
  },
  {
    name: 'rolling-restart',
    what: 'all processes are restarted with SIGTERM, one after the other, twice',
    faults: [{ fault: restartAll }],
    limits: { ...NOTICE, unknown: 0, recoverMs: RECOVER_MS },
  },
  {
    name: 'readers-stopped',
    what: 'one client in twenty reads nothing for 10 s',
    faults: [{ fault: stopReaders, forMs: 10_000 }],
    // A client that stops reading finds old frames when it goes on.
    maxAfterRevocationMs: 15_000,
    limits: { recoverMs: 500 },
  },
  {
    name: 'mix-links-and-workers',
    what: 'links are cut, publications are disturbed, and a worker is killed after a commit',
    faults: [
      { fault: disturbPublications, forMs: 10_000 },
      { fault: killWorker('after the commit'), afterMs: 2_000 },
      { fault: killSubscribers, afterMs: 3_000, forMs: 5_000 },
    ],
    limits: { ...NOTICE, recoverMs: RECOVER_MS },
  },
  {
    name: 'mix-gateway-and-postgres',
    what: 'a gateway is killed, Postgres is restarted, and a worker is killed before a commit',
    faults: [
      { fault: killGateway, forMs: 4_000 },
      { fault: restartPostgres, afterMs: 1_500 },
      { fault: killWorker('before the commit'), afterMs: 5_000 },
    ],
    limits: { ...NOTICE, recoverMs: RECOVER_MS },
  },
  ...cutScenarios(),
];
