import { createHash } from 'node:crypto';
import { isErrorCode } from '../../shared/contract/errors.ts';
import type { Batch, Rejected } from '../../shared/contract/jobs.ts';
import { limits } from '../../shared/contract/limits.ts';
import { PAYLOAD_VERSION } from '../../shared/contract/versions.ts';
import type { Log } from '../../shared/log.ts';

/** After this time without a reply, a batch is sent again. */
const RESEND_AFTER_MS = 1_500;
/** After a send that failed. */
const RETRY_AFTER_MS = 250;
/** After this time since its first send, the outcomes of a batch are unknown. */
const GIVE_UP_AFTER_MS = 15_000;

interface Entry<C, O> {
  command: C;
  expiresAtMs: number;
  resolve: (outcome: O | Rejected) => void;
}

interface BatchInFlight<C, O> {
  number: number;
  entries: Entry<C, O>[];
  giveUpAtMs: number;
  timer?: NodeJS.Timeout;
}

interface Lane<C, O> {
  index: number;
  nextNumber: number;
  waiting: Entry<C, O>[];
  inFlight: BatchInFlight<C, O> | undefined;
}

export interface LanesOptions<C> {
  gatewayId: string;
  count: number;
  /** Puts a batch into the queue. If it throws, the batch may or may not have been queued. */
  send: (batch: Batch<C>) => Promise<void>;
  log: Log;
}

/**
 * Ordered outboxes with group commit.
 * A lane has one batch in flight at most.
 * Commands that arrive meanwhile wait, and the next batch takes all of them.
 * So an idle system sends each command at once, and a busy system shares one job and one statement among hundreds.
 * All commands of one key use the same lane, so their order does not change.
 */
export class Lanes<C, O extends object> {
  readonly #options: LanesOptions<C>;
  readonly #lanes: Lane<C, O>[];
  #pending = 0;

  constructor(options: LanesOptions<C>) {
    this.#options = options;
    const createLane = (index: number): Lane<C, O> => ({ index, nextNumber: 0, waiting: [], inFlight: undefined });
    this.#lanes = Array.from({ length: options.count }, (_, index) => createLane(index));
  }

  /** The number of commands without an outcome. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * @param key commands with the same key keep their order
   * @param expiresAtMs by this process's clock, in milliseconds since 1970; a command that waits longer is not sent
   * @returns the outcome, or `busy`, `expired`, `unknown_outcome` or `internal`; never rejects
   */
  push(key: string, command: C, expiresAtMs: number): Promise<O | Rejected> {
    const lane = this.#laneOf(key);
    if (lane.waiting.length >= limits.MAX_WAITING_COMMANDS) return Promise.resolve({ code: 'busy' });
    this.#pending++;
    return new Promise((resolve) => {
      lane.waiting.push({ command, expiresAtMs, resolve });
      if (!lane.inFlight) this.#dispatch(lane);
    });
  }

  /** Takes the outcomes of a batch. Ignores a batch that is not in flight: its reply has come before, or too late. */
  complete(laneIndex: number, number: number, outcomes: O[]): void {
    const lane = this.#lanes[laneIndex];
    if (!lane?.inFlight || lane.inFlight.number !== number) return;
    this.#finish(lane, lane.inFlight, (index) => {
      const outcome = outcomes[index];
      return isOutcome(outcome) ? outcome : { code: 'internal' };
    });
  }

  #laneOf(key: string): Lane<C, O> {
    const hash = createHash('md5').update(key).digest().readUInt32LE();
    return this.#lanes[hash % this.#lanes.length] as Lane<C, O>;
  }

  /** Makes a batch of the waiting commands and sends it. */
  #dispatch(lane: Lane<C, O>): void {
    const now = Date.now();
    const entries: Entry<C, O>[] = [];
    for (const entry of lane.waiting.splice(0, limits.MAX_BATCH_COMMANDS)) {
      if (entry.expiresAtMs > now) entries.push(entry);
      else this.#resolve(entry, { code: 'expired' });
    }
    if (entries.length === 0) {
      if (lane.waiting.length > 0) this.#dispatch(lane);
      return;
    }
    lane.inFlight = { number: lane.nextNumber++, entries, giveUpAtMs: now + GIVE_UP_AFTER_MS };
    void this.#send(lane, lane.inFlight);
  }

  async #send(lane: Lane<C, O>, batch: BatchInFlight<C, O>): Promise<void> {
    batch.timer = setTimeout(() => this.#resendOrGiveUp(lane, batch), RESEND_AFTER_MS);
    const { gatewayId, send, log } = this.#options;
    try {
      const commands = batch.entries.map(({ command }) => command);
      await send({ v: PAYLOAD_VERSION, gateway: gatewayId, lane: lane.index, number: batch.number, commands });
    } catch (error) {
      log.warn({ error, lane: lane.index, number: batch.number }, 'a batch could not be sent');
      if (lane.inFlight !== batch) return;
      clearTimeout(batch.timer);
      batch.timer = setTimeout(() => this.#resendOrGiveUp(lane, batch), RETRY_AFTER_MS);
    }
  }

  #resendOrGiveUp(lane: Lane<C, O>, batch: BatchInFlight<C, O>): void {
    if (lane.inFlight !== batch) return;
    if (Date.now() < batch.giveUpAtMs) {
      void this.#send(lane, batch);
      return;
    }
    const fields = { lane: lane.index, number: batch.number, commands: batch.entries.length };
    this.#options.log.warn(fields, 'no worker replied to a batch, its outcomes are unknown');
    this.#finish(lane, batch, () => ({ code: 'unknown_outcome' }));
  }

  #finish(lane: Lane<C, O>, batch: BatchInFlight<C, O>, outcomeAt: (index: number) => O | Rejected): void {
    clearTimeout(batch.timer);
    lane.inFlight = undefined;
    batch.entries.forEach((entry, index) => {
      this.#resolve(entry, outcomeAt(index));
    });
    if (lane.waiting.length > 0 && !lane.inFlight) this.#dispatch(lane);
  }

  #resolve(entry: Entry<C, O>, outcome: O | Rejected): void {
    this.#pending--;
    entry.resolve(outcome);
  }
}

/** False for what this version cannot read. The schema of a reply does not check each outcome. */
function isOutcome<O extends object>(outcome: O | undefined): outcome is O {
  if (typeof outcome !== 'object' || outcome === null) return false;
  return !('code' in outcome) || isErrorCode(outcome.code);
}
