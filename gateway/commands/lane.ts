import { type ErrorCode, isErrorCode } from '../../shared/contract/errors.ts';
import type { Batch, RefusedOutcome } from '../../shared/contract/jobs.ts';
import { limits } from '../../shared/contract/limits.ts';
import { PAYLOAD_VERSION } from '../../shared/contract/versions.ts';
import type { Log } from '../../shared/log.ts';
import { RepeatedSend } from './repeated-send.ts';
import { StallWatch } from './stall-watch.ts';
import { Turns } from './turns.ts';

/** A command that has no outcome yet. */
export interface PendingCommand<C, O> {
  /** The lane serves users in turn. */
  userId: string;
  command: C;
  /** By the monotonic clock (`performance.now()`). After this time, the command is not sent. */
  expiresAtMs: number;
  /** Called once, with the outcome, or with `busy`, `unavailable`, `expired`, `unknown_outcome` or `internal`. */
  onOutcome: (outcome: O | RefusedOutcome) => void;
}

interface BatchInFlight<C, O> {
  number: number;
  sentAtMs: number;
  pendingCommands: PendingCommand<C, O>[];
  sending?: RepeatedSend;
}

export interface LaneOptions<C> {
  gatewayId: string;
  /** 1 or 2. With 2, the lane sends a second batch if at least `minSecondBatchCommands` wait. */
  maxInFlight: number;
  maxBatchCommands: number;
  minSecondBatchCommands: number;
  /** Returns how many other commands of a batch cost as much as this one. By default each command costs the same. */
  costOf?: (command: C) => number;
  /** Puts a batch into the queue. If `send` rejects, the batch may or may not have been queued. @returns the job's id */
  send: (batch: Batch<C>) => Promise<string | undefined>;
  /** True if no worker has taken the job yet. May reject. */
  isWaiting: (jobId: string) => Promise<boolean>;
  log: Log;
}

/**
 * An outbox that keeps the order of its commands. It sends one batch and waits for the reply. Meanwhile, new commands
 * wait for the next batch. So an idle lane sends each command immediately, and in a busy lane hundreds of commands
 * share one BullMQ job and one SQL statement.
 *
 * A lane has stalled when its oldest batch has no reply for two seconds. Then the lane refuses the commands that wait
 * and every new one, so nobody waits long while Redis, Postgres or the workers are not reachable. The batches in
 * flight still wait for their outcomes: only these commands may have been applied. After a batch was given up, the lane
 * sends single commands until one has its outcome, so that few commands wait for a system that does not work.
 * @template C the type of the commands @template O the type of the outcomes
 */
export class Lane<C, O extends object> {
  readonly #index: number;
  readonly #options: LaneOptions<C>;
  readonly #waiting = new Turns<PendingCommand<C, O>>();
  /** In the order of their numbers. */
  #inFlight: BatchInFlight<C, O>[] = [];
  #nextNumber = 0;
  #isStalled = false;
  /** True from the moment when a batch is given up until the next reply. */
  #isProbing = false;
  readonly #stallWatch = new StallWatch(
    () => this.#inFlight[0],
    () => this.#stall(),
  );

  /** @param index the number of this lane in its gateway */
  constructor(index: number, options: LaneOptions<C>) {
    this.#index = index;
    this.#options = options;
  }

  /** The number of commands without an outcome. */
  get pending(): number {
    return this.#inFlight.reduce((sum, { pendingCommands }) => sum + pendingCommands.length, this.#waiting.size);
  }

  /** Sends a command with the next batch. */
  push(pendingCommand: PendingCommand<C, O>): void {
    const code = this.#refusalOf(pendingCommand);
    if (code) {
      pendingCommand.onOutcome({ code });
      return;
    }
    this.#waiting.add(pendingCommand);
    this.#sendBatches();
  }

  /** Sends the batches in flight again at once, because their replies may be lost. */
  resend(): void {
    for (const { sending } of this.#inFlight) void sending?.repeat();
  }

  /** Handles the reply to a batch. Ignores a second reply, and a reply to a batch that was given up. */
  complete(number: number, outcomes: O[]): void {
    this.#isProbing = false;
    this.#finish(number, (index) => {
      const outcome = outcomes[index];
      return isOutcome(outcome) ? outcome : { code: 'internal' };
    });
  }

  #refusalOf({ userId }: PendingCommand<C, O>): ErrorCode | undefined {
    if (this.#isStalled) return this.#stallCode;
    const isFull =
      this.#waiting.size >= limits.MAX_WAITING_COMMANDS ||
      this.#waiting.countOf(userId) >= limits.MAX_WAITING_COMMANDS_OF_USER;
    return isFull ? 'busy' : undefined;
  }

  get #stallCode(): ErrorCode {
    return this.#inFlight[0]?.sending?.hasFailed ? 'unavailable' : 'busy';
  }

  #stall(): void {
    this.#isStalled = true;
    this.#options.log.warn({ lane: this.#index, refused: this.#waiting.size }, 'a lane has stalled');
    this.#refuseWaiting();
  }

  /** Refuses as many commands as a batch has, and the others in later turns: the event loop serves others meanwhile. */
  #refuseWaiting(): void {
    if (!this.#isStalled) return;
    const code = this.#stallCode;
    for (const { onOutcome } of this.#waiting.take(this.#options.maxBatchCommands)) onOutcome({ code });
    if (this.#waiting.size > 0) setTimeout(() => this.#refuseWaiting(), 0);
  }

  #sendBatches(): void {
    while (this.#mayMakeBatch()) {
      const nowMs = performance.now();
      const taken = this.#takeBatch();
      const pendingCommands = taken.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
      if (pendingCommands.length > 0) this.#send({ number: this.#nextNumber++, sentAtMs: nowMs, pendingCommands });
      for (const { expiresAtMs, onOutcome } of taken) if (expiresAtMs <= nowMs) onOutcome({ code: 'expired' });
    }
  }

  #takeBatch(): PendingCommand<C, O>[] {
    const { maxBatchCommands, costOf = () => 1 } = this.#options;
    return this.#waiting.take(this.#isProbing ? 1 : maxBatchCommands, ({ command }) => costOf(command));
  }

  #mayMakeBatch(): boolean {
    const { maxInFlight, minSecondBatchCommands } = this.#options;
    if (this.#isStalled) return false;
    if (this.#inFlight.length === 0) return this.#waiting.size > 0;
    return !this.#isProbing && this.#inFlight.length < maxInFlight && this.#waiting.size >= minSecondBatchCommands;
  }

  #send(batch: BatchInFlight<C, O>): void {
    const { send, isWaiting, log } = this.#options;
    const fields = { lane: this.#index, number: batch.number, commands: batch.pendingCommands.length };
    this.#inFlight.push(batch);
    batch.sending = new RepeatedSend({
      send: (copy) => send(this.#encode(batch, copy)),
      isWaiting,
      onError: (error) => log.warn({ error, ...fields }, 'a batch could not be sent'),
      onGiveUp: () => {
        log.warn(fields, 'no worker replied to a batch in time, the outcomes of the batch are unknown');
        this.#giveUp(batch.number);
      },
    });
    this.#stallWatch.start();
  }

  /** The next batch may be early until now, and given up soon. So it is sent again at once, without its predecessor. */
  #giveUp(number: number): void {
    const next = this.#inFlight.find((each) => each.number > number);
    this.#isProbing = true;
    this.#finish(number, () => ({ code: 'unknown_outcome' }));
    next?.sending?.sendNow();
  }

  /**
   * The predecessor is named only while it has no reply. So a batch that is sent again after its predecessor was given
   * up is applied without the predecessor, and the predecessor is never applied after it.
   */
  #encode({ number, pendingCommands }: BatchInFlight<C, O>, copy: number): Batch<C> {
    const first = this.#inFlight[0]?.number ?? number;
    return {
      ...{ v: PAYLOAD_VERSION, gateway: this.#options.gatewayId, lane: this.#index, number },
      ...(first < number && { follows: first }),
      ...(copy > 0 && { copy }),
      commands: pendingCommands.map(({ command }) => command),
    };
  }

  /** The next batch is sent before the outcomes are used, because the senders of these commands may send new ones. */
  #finish(number: number, outcomeAt: (index: number) => O | RefusedOutcome): void {
    const batch = this.#inFlight.find((each) => each.number === number);
    if (!batch) return;
    batch.sending?.stop();
    if (batch === this.#inFlight[0]) this.#isStalled = false;
    this.#inFlight = this.#inFlight.filter((each) => each !== batch);
    if (!this.#isStalled) this.#stallWatch.start();
    this.#sendBatches();
    batch.pendingCommands.forEach(({ onOutcome }, index) => {
      onOutcome(outcomeAt(index));
    });
  }
}

/** False for an outcome that this version of the gateway cannot read. The schema of a reply does not check outcomes. */
function isOutcome<O extends object>(outcome: O | undefined): outcome is O {
  if (typeof outcome !== 'object' || outcome === null) return false;
  return !('code' in outcome) || isErrorCode(outcome.code);
}
