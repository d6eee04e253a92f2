import { eventsOf, type History } from './history.ts';

const WINDOW_MS = 500;
/** After this part of an outage, a gateway knows of it. */
const KNOWN_OUTAGE_MS = 2_500;
/** Rooms is back when it acks this part of what it acked before the fault. */
const FULL_RATE = 0.8;

/** When the parts of a run began, in milliseconds of `performance.now()`. */
export interface Phases {
  startedAtMs: number;
  faultAtMs: number;
  healedAtMs: number;
  endedAtMs: number;
}

/** A gateway closes sockets with these codes for a reason that the client knows, such as its logout. */
const CAUSED_BY_CLIENT = /close code 44/;

/** What a run showed besides its violations. */
export interface RunFigures {
  acks: number;
  deliveries: number;
  /** Sendings that were refused, by code. */
  refusals: Record<string, number>;
  /** Sendings with the outcome `unknown_outcome`, or whose connection closed before the outcome, except by a logout. */
  unknown: number;
  /** Sendings that were refused because their deadline had passed. */
  expired: number;
  /** From the first sending to the ack. */
  ackP99Ms: number;
  ackMaxMs: number;
  /** The same during the fault, for commands to rooms that the fault does not hit itself. */
  otherRoomsP99Ms: number;
  /** The same before the fault. */
  otherRoomsNormalP99Ms: number;
  /** `otherRoomsP99Ms` as a multiple of `otherRoomsNormalP99Ms`. */
  otherRoomsRatio: number;
  /** The longest time from a sending to its outcome, or to the end of its connection: until then, the client knew nothing. */
  noticeMaxMs: number;
  /** The same for 99 % of what was sent during the fault, except in its first and last 2.5 seconds. */
  outageAnswerP99Ms: number;
  /** From the commit to the delivery, over sockets that were open at the commit. */
  lagP99Ms: number;
  lagMaxMs: number;
  /** The longest time without any ack, while clients sent. */
  gapMaxMs: number;
  /** From the end of the fault until Rooms acks as many commands a second as before the fault. */
  recoverMs: number;
  /** Connections without a Welcome after 15 seconds. */
  late: number;
  /** Logouts of a participant who had a socket. */
  revocations: number;
}

export function measureRun(history: History, phases: Phases, hitRoomIds: Set<string>): RunFigures {
  const acks = eventsOf(history, 'acked');
  const ackTimes = findAckTimes(history, () => true);
  const otherRoomsP99 = (fromMs: number, toMs: number) => {
    const isOther = (roomId: string, sentAtMs: number) =>
      !hitRoomIds.has(roomId) && fromMs <= sentAtMs && sentAtMs <= toMs;
    return percentile(findAckTimes(history, isOther), 99);
  };
  const otherRoomsP99Ms = otherRoomsP99(phases.faultAtMs, phases.healedAtMs);
  const otherRoomsNormalP99Ms = otherRoomsP99(phases.startedAtMs, phases.faultAtMs);
  const waits = findWaits(history);
  const [knownFromMs, knownToMs] = [phases.faultAtMs + KNOWN_OUTAGE_MS, phases.healedAtMs - KNOWN_OUTAGE_MS];
  const inOutage = waits.filter(({ sentAtMs }) => knownFromMs <= sentAtMs && sentAtMs <= knownToMs);
  const lags = findLags(history);
  const refused = Map.groupBy(eventsOf(history, 'refused'), ({ code }) => code);
  const times = acks.map(({ atMs }) => atMs).filter((atMs) => phases.startedAtMs <= atMs && atMs <= phases.endedAtMs);
  return {
    acks: new Set(acks.map(({ ref }) => ref)).size,
    deliveries: eventsOf(history, 'got').length,
    refusals: Object.fromEntries([...refused].map(([code, { length }]) => [code, length])),
    expired: refused.get('expired')?.length ?? 0,
    unknown: waits.filter(({ isUnknown }) => isUnknown).length,
    ackP99Ms: percentile(ackTimes, 99),
    ackMaxMs: percentile(ackTimes, 100),
    otherRoomsP99Ms,
    otherRoomsNormalP99Ms,
    otherRoomsRatio: otherRoomsP99Ms / otherRoomsNormalP99Ms,
    noticeMaxMs: percentile(waitTimes(waits), 100),
    outageAnswerP99Ms: percentile(waitTimes(inOutage), 99),
    lagP99Ms: percentile(lags, 99),
    lagMaxMs: percentile(lags, 100),
    gapMaxMs: longestGap([phases.startedAtMs, ...times, phases.endedAtMs]),
    recoverMs: findRecovery(times, phases),
    late: eventsOf(history, 'late').length,
    revocations: eventsOf(history, 'revoked').length,
  };
}

function findAckTimes(history: History, isMeasured: (roomId: string, sentAtMs: number) => boolean): number[] {
  const sentAt = new Map<string, number>();
  for (const { ref, atMs } of eventsOf(history, 'sent')) if (!sentAt.has(ref)) sentAt.set(ref, atMs);
  return eventsOf(history, 'acked').flatMap(({ ref, roomId, atMs }) => {
    const sentAtMs = sentAt.get(ref) ?? atMs;
    return isMeasured(roomId, sentAtMs) ? [atMs - sentAtMs] : [];
  });
}

/** How long a client knew nothing of one sending. */
interface Wait {
  sentAtMs: number;
  waitMs: number;
  isUnknown: boolean;
}

function findWaits({ events }: History): Wait[] {
  /** For each connection the sendings without an outcome. */
  const open = new Map<number, Map<string, number>>();
  const waits: Wait[] = [];
  for (const event of events) {
    if (event.kind === 'sent') {
      const sendings = open.get(event.connection) ?? new Map<string, number>();
      open.set(event.connection, sendings.set(event.ref, event.atMs));
    }
    if (event.kind === 'acked' || event.kind === 'refused') {
      const sentAtMs = open.get(event.connection)?.get(event.ref);
      open.get(event.connection)?.delete(event.ref);
      const isUnknown = event.kind === 'refused' && event.code === 'unknown_outcome';
      if (sentAtMs !== undefined) waits.push({ sentAtMs, waitMs: event.atMs - sentAtMs, isUnknown });
    }
    if (event.kind !== 'closed') continue;
    const isUnknown = !CAUSED_BY_CLIENT.test(event.reason);
    for (const sentAtMs of open.get(event.connection)?.values() ?? [])
      waits.push({ sentAtMs, waitMs: event.atMs - sentAtMs, isUnknown });
    open.delete(event.connection);
  }
  return waits;
}

function findLags(history: History): number[] {
  const committedAt = new Map(
    history.rows.map(({ roomId, seq, createdAt }) => [
      `${roomId} ${seq}`,
      Date.parse(createdAt) - performance.timeOrigin,
    ]),
  );
  const openedAt = new Map(eventsOf(history, 'opened').map(({ connection, atMs }) => [connection, atMs]));
  return eventsOf(history, 'got').flatMap(({ connection, roomId, seq, atMs }) => {
    const commit = committedAt.get(`${roomId} ${seq}`);
    const wasOpen = commit !== undefined && commit > (openedAt.get(connection) ?? Number.POSITIVE_INFINITY);
    return wasOpen ? [Math.max(0, atMs - commit)] : [];
  });
}

const waitTimes = (waits: Wait[]) => waits.map(({ waitMs }) => waitMs);

function longestGap(times: number[]): number {
  return times.reduce((longest, time, index) => Math.max(longest, time - (times[index - 1] ?? time)), 0);
}

function findRecovery(times: number[], { startedAtMs, faultAtMs, healedAtMs, endedAtMs }: Phases): number {
  const before = times.filter((time) => time < faultAtMs).length / Math.max(1, faultAtMs - startedAtMs);
  const wanted = before * WINDOW_MS * FULL_RATE;
  for (let start = healedAtMs; start + WINDOW_MS <= endedAtMs; start += WINDOW_MS / 10)
    if (times.filter((time) => start <= time && time < start + WINDOW_MS).length >= wanted) return start - healedAtMs;
  return Number.POSITIVE_INFINITY;
}

function percentile(values: number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? 0;
}
