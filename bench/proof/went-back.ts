import { eventsOf, type History } from './history.ts';

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
}

export function measureWentBack(history: History, { fromMs, toMs }: WentBack): WentBackFigures {
  const stored = new Set(history.rows.map(({ roomId, ref, seq }) => `${roomId} ${ref} ${seq}`));
  const lost = eventsOf(history, 'acked').filter(({ roomId, ref, seq }) => !stored.has(`${roomId} ${ref} ${seq}`));
  const closes = new Map(eventsOf(history, 'closed').map((event) => [event.connection, event]));
  const reloads = eventsOf(history, 'opened')
    .filter(({ atMs }) => atMs < fromMs)
    .map(({ connection }) => closes.get(connection))
    .filter((close) => !close || (close.atMs >= fromMs && !close.reason.includes(CAUSED_BY_CLIENT)))
    .map((close) => (close?.reason.includes(RELOAD) ? close.atMs - toMs : Number.POSITIVE_INFINITY));
  return { lostAcks: new Set(lost.map(({ ref }) => ref)).size, reloadMs: Math.max(0, ...reloads) };
}
