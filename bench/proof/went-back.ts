import type { Violation } from './check-history.ts';
import { eventsOf, type History } from './history.ts';
import { streamRules } from './stream-rules.ts';

const RELOAD = 'close code 4001';
/** A client that was closed for a reason of its own, such as a logout, gets no other close code. */
const CAUSED_BY_CLIENT = 'close code 44';

/** Postgres was stopped at `fromMs`, and answers since `toMs` as it was some time before. */
export interface WentBack {
  fromMs: number;
  toMs: number;
}

/** What clients lost when Postgres went back in time, and when they learned it. */
export interface WentBackFigures {
  /** Acked commands without a row. */
  lostAcks: number;
  /** From the end of the fault until the last client got the close code 4001. Infinity if a client never got it. */
  reloadMs: number;
  /** How often a client came back with a position of the old epoch and got `Resync`. */
  resyncs: number;
}

export function measureWentBack(history: History, { fromMs, toMs }: WentBack): WentBackFigures {
  const stored = new Set(history.rows.map(({ roomId, ref, seq }) => `${roomId} ${ref} ${seq}`));
  const lost = eventsOf(history, 'acked').filter(({ roomId, ref, seq }) => !stored.has(`${roomId} ${ref} ${seq}`));
  const [oldEpoch] = eventsOf(history, 'opened').flatMap(({ epoch }) => epoch ?? []);
  const closes = new Map(eventsOf(history, 'closed').map((event) => [event.connection, event]));
  const reloads = eventsOf(history, 'opened')
    .filter(({ atMs, epoch }) => atMs < fromMs || (epoch !== undefined && epoch === oldEpoch))
    .map(({ connection }) => closes.get(connection))
    .filter((close) => !close || (close.atMs >= fromMs && !close.reason.includes(CAUSED_BY_CLIENT)))
    .map((close) => (close?.reason.includes(RELOAD) ? close.atMs - toMs : Number.POSITIVE_INFINITY));
  const resyncs = eventsOf(history, 'resynced').filter(({ atMs }) => atMs >= toMs).length;
  return { lostAcks: new Set(lost.map(({ ref }) => ref)).size, reloadMs: Math.max(0, ...reloads), resyncs };
}

/**
 * Checks the connections that were opened after Postgres went back, although the record begins before. A position of the
 * old epoch must lead to `Resync`: without it, each message of the room is a violation.
 */
export function checkReturned(history: History, { toMs }: WentBack): Violation[] {
  const opened = eventsOf(history, 'opened').filter(({ atMs }) => atMs >= toMs);
  const connections = new Set(opened.map(({ connection }) => connection));
  const events = history.events.filter((event) => 'connection' in event && connections.has(event.connection));
  const rule = 'a stream goes on by 1';
  return streamRules[rule]({ ...history, events }).map((what) => ({ rule, what }));
}
