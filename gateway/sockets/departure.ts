import { setTimeout as wait } from 'node:timers/promises';
import { Slices } from '../live/slices.ts';

/** A gateway that stops takes new commands for this time. Meanwhile its clients move to other gateways. */
export const TAKES_COMMANDS_MS = 3_000;
/** After this time, the gateway stops although commands or requests have no answer. */
const MAX_DEPARTURE_MS = 10_000;
/** A socket without a frame for this time is idle. So a command that was on its way at the `GoingAway` still arrives. */
const IDLE_AFTER_MS = 300;
const ROUND_MS = 50;
/** The sockets of a gateway close over this number of rounds, so that their clients do not reconnect all at once. */
const ROUNDS = TAKES_COMMANDS_MS / ROUND_MS;
const MIN_CLOSED_PER_ROUND = 50;

export interface DepartingSocket {
  /** True if no command of the socket waits for its outcome, and all outcomes have left. */
  readonly isSettled: boolean;
  /** When its last frame came, by `performance.now()`. Undefined if none came since the gateway began to stop. */
  readonly lastFrameMs: number | undefined;
  /** Asks the client to move, if it knows the frame `GoingAway`. */
  announceDeparture(): void;
  closeForDeparture(): void;
}

export interface DepartureOptions {
  /** The open sockets. A socket leaves the set when it closes. */
  sockets: ReadonlySet<DepartingSocket>;
  /** Returns the number of commands and requests without an answer. */
  pending: () => number;
  /** From this call on, new commands are refused. */
  refuseCommands: () => void;
}

/**
 * Empties a gateway that stops: announces it, closes each socket when it is idle, and waits until every command that the
 * gateway has taken has its outcome. Resolves after at most 10 seconds. Then the last sockets may be closed.
 */
export async function depart({ sockets, pending, refuseCommands }: DepartureOptions): Promise<void> {
  const startedMs = performance.now();
  await new Slices().run([...sockets], (socket) => socket.announceDeparture());
  const perRound = Math.max(MIN_CLOSED_PER_ROUND, Math.ceil(sockets.size / ROUNDS));
  for (;;) {
    const elapsedMs = performance.now() - startedMs;
    const takesCommands = elapsedMs < TAKES_COMMANDS_MS;
    if (!takesCommands) refuseCommands();
    closeIdle(sockets, startedMs, perRound);
    const isEmpty = pending() === 0 && (takesCommands ? sockets.size === 0 : areSettled(sockets));
    if (isEmpty || elapsedMs > MAX_DEPARTURE_MS) return refuseCommands();
    await wait(ROUND_MS);
  }
}

/** Closes at most `max` sockets. */
function closeIdle(sockets: Iterable<DepartingSocket>, startedMs: number, max: number): void {
  const idleSinceMs = performance.now() - IDLE_AFTER_MS;
  let closed = 0;
  for (const socket of sockets) {
    if (!socket.isSettled || (socket.lastFrameMs ?? startedMs) > idleSinceMs) continue;
    socket.closeForDeparture();
    if (++closed === max) return;
  }
}

function areSettled(sockets: ReadonlySet<DepartingSocket>): boolean {
  for (const socket of sockets) if (!socket.isSettled) return false;
  return true;
}
