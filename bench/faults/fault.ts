import type { ChatUser } from '../proof/chat-user.ts';
import type { Random } from '../proof/seeded-random.ts';
import type { WentBack } from '../proof/went-back.ts';
import type { FaultSystem } from './fault-system.ts';

/** docs/faults.md explains them. */
export type MeasuredName =
  | 'deaths'
  | 'poolBackMs'
  | 'lostReads'
  | 'lostAcks'
  | 'reloadMs'
  | 'resyncs'
  | 'acksAfterwards'
  | 'idleReadsPerS';

/** What a fault may touch. */
export interface FaultTarget {
  system: FaultSystem;
  participants: ChatUser[];
  roomIds: string[];
  random: Random;
  /** Rooms that the fault hits itself. The latency of the others is measured. */
  hitRoomIds: Set<string>;
  /** Set by a fault after which earlier acks may be lost. */
  wentBack?: WentBack;
  /** Figures that only the fault knows, such as the number of deaths. */
  measured: Partial<Record<MeasuredName, number>>;
}

/** Ends a fault that lasts. */
export type Heal = () => unknown;

/** For a fault that is over at once. */
export const NOTHING_TO_HEAL: Heal = () => undefined;

/** Begins a fault. @returns how it ends */
export type Fault = (target: FaultTarget) => Heal | Promise<Heal>;

export interface ScheduledFault {
  fault: Fault;
  /** When the fault begins, after the calm beginning of the run. Up to half a second is added by the seed. */
  afterMs?: number;
  /** How long it lasts, if it lasts. */
  forMs?: number;
}

/** Does something again and again until the fault ends. A failure is part of the fault. */
export function repeat(intervalMs: number, work: () => unknown): Heal {
  const timer = setInterval(async () => {
    try {
      await work();
    } catch {
      // The fault also hits the connection that causes it. The next round uses a new one.
    }
  }, intervalMs);
  return () => clearInterval(timer);
}

export function pick<T>(list: readonly T[], random: Random): T {
  if (list.length === 0) throw new Error('there is nothing to choose from: a process has ended too early');
  return list[random(list.length)] as T;
}
