import { createHash } from 'node:crypto';
import { isErrorCode } from '../../shared/contract/errors.ts';
import type { Batch, RefusedOutcome } from '../../shared/contract/jobs.ts';
import { limits } from '../../shared/contract/limits.ts';
import { PAYLOAD_VERSION } from '../../shared/contract/versions.ts';
import type { Log } from '../../shared/log.ts';

/** After this time without a reply, a batch is sent again. */
const RESEND_AFTER_MS = 1_500;
/** A batch that could not be sent is sent again after this time. */
const RETRY_AFTER_MS = 250;
/** The lane gives up a batch if no reply comes within this time after the first send. Its outcomes are then unknown. */
const GIVE_UP_AFTER_MS = 15_000;

/** A command that has no outcome yet. */
interface PendingCommand<C, O> {
  command: C;
  expiresAtMs: number;
  resolve: (outcome: O | RefusedOutcome) => void;
}

interface BatchInFlight<C, O> {
  number: number;
  pendingCommands: PendingCommand<C, O>[];
  giveUpAtMs: number;
  timer?: NodeJS.Timeout;
}

interface Lane<C, O> {
  index: number;
  nextNumber: number;
  waiting: PendingCommand<C, O>[];
  inFlight: BatchInFlight<C, O> | undefined;
}

export interface LanesOptions<C> {
  gatewayId: string;
  /** The number of lanes. */
  count: number;
  /** Puts a batch into the queue. If `send` throws, the batch may or may not have been queued. */
  send: (batch: Batch<C>) => Promise<void>;
  log: Log;
}

/**
 * A lane is an outbox that keeps the order of its commands. It sends one batch and waits for the reply. Meanwhile, new
 * commands wait for the next batch. So an idle lane sends each command immediately, and in a busy lane hundreds of
 * commands share one BullMQ job and one SQL statement. All commands with the same key use the same lane, so they keep
 * their order.
 * @template C the type of the commands @template O the type of the outcomes
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
   * Sends a command with the next batch of its lane. Never rejects.
   * @param key commands with the same key keep their order
   * @param expiresAtMs by the clock of this process, in milliseconds since 1970. After this, the command is not sent.
   * @returns the outcome, or the code `busy`, `expired`, `unknown_outcome` or `internal`
   */
  push(key: string, command: C, expiresAtMs: number): Promise<O | RefusedOutcome> {
    const lane = this.#laneOf(key);
    if (lane.waiting.length >= limits.MAX_WAITING_COMMANDS) return Promise.resolve({ code: 'busy' });
    this.#pending++;
    return new Promise((resolve) => {
      lane.waiting.push({ command, expiresAtMs, resolve });
      if (!lane.inFlight) this.#dispatch(lane);
    });
  }

  /** Handles the reply to a batch. Ignores a second reply, and a reply to a batch that was given up. */
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

  /** Makes a batch of waiting commands, and sends the batch. */
  #dispatch(lane: Lane<C, O>): void {
    const now = Date.now();
    const pendingCommands: PendingCommand<C, O>[] = [];
    for (const pendingCommand of lane.waiting.splice(0, limits.MAX_BATCH_COMMANDS)) {
      if (pendingCommand.expiresAtMs > now) pendingCommands.push(pendingCommand);
      else this.#resolve(pendingCommand, { code: 'expired' });
    }
    if (pendingCommands.length === 0) {
      if (lane.waiting.length > 0) this.#dispatch(lane);
      return;
    }
    lane.inFlight = { number: lane.nextNumber++, pendingCommands, giveUpAtMs: now + GIVE_UP_AFTER_MS };
    void this.#send(lane, lane.inFlight);
  }

  async #send(lane: Lane<C, O>, batch: BatchInFlight<C, O>): Promise<void> {
    batch.timer = setTimeout(() => this.#resendOrGiveUp(lane, batch), RESEND_AFTER_MS);
    const { gatewayId, send, log } = this.#options;
    try {
      const commands = batch.pendingCommands.map(({ command }) => command);
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
    const fields = { lane: lane.index, number: batch.number, commands: batch.pendingCommands.length };
    this.#options.log.warn(fields, 'no worker replied to a batch in time, the outcomes of the batch are unknown');
    this.#finish(lane, batch, () => ({ code: 'unknown_outcome' }));
  }

  #finish(lane: Lane<C, O>, batch: BatchInFlight<C, O>, outcomeAt: (index: number) => O | RefusedOutcome): void {
    clearTimeout(batch.timer);
    lane.inFlight = undefined;
    batch.pendingCommands.forEach((pendingCommand, index) => {
      this.#resolve(pendingCommand, outcomeAt(index));
    });
    if (lane.waiting.length > 0 && !lane.inFlight) this.#dispatch(lane);
  }

  #resolve(pendingCommand: PendingCommand<C, O>, outcome: O | RefusedOutcome): void {
    this.#pending--;
    pendingCommand.resolve(outcome);
  }
}

/** False for an outcome that this version of the gateway cannot read. The schema of a reply does not check outcomes. */
function isOutcome<O extends object>(outcome: O | undefined): outcome is O {
  if (typeof outcome !== 'object' || outcome === null) return false;
  return !('code' in outcome) || isErrorCode(outcome.code);
}
