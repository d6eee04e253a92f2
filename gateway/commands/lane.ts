import { isErrorCode } from '../../shared/contract/errors.ts';
import type { Batch, RefusedOutcome } from '../../shared/contract/jobs.ts';
import { limits } from '../../shared/contract/limits.ts';
import { PAYLOAD_VERSION } from '../../shared/contract/versions.ts';
import type { Log } from '../../shared/log.ts';
import { RepeatedSend } from './repeated-send.ts';
import { Turns } from './turns.ts';

/** A command that has no outcome yet. */
export interface PendingCommand<C, O> {
  /** The lane serves users in turn. */
  userId: string;
  command: C;
  /** By the monotonic clock (`performance.now()`). After this time, the command is not sent. */
  expiresAtMs: number;
  /** Called once, with the outcome or with the code `busy`, `expired`, `unknown_outcome` or `internal`. */
  onOutcome: (outcome: O | RefusedOutcome) => void;
}

interface BatchInFlight<C, O> {
  number: number;
  pendingCommands: PendingCommand<C, O>[];
  sending?: RepeatedSend;
}

export interface LaneOptions<C> {
  gatewayId: string;
  /** 1 or 2. With 2, the lane sends a second batch if at least `minSecondBatchCommands` wait. */
  maxInFlight: number;
  maxBatchCommands: number;
  minSecondBatchCommands: number;
  /** Puts a batch into the queue. If `send` rejects, the batch may or may not have been queued. */
  send: (batch: Batch<C>) => Promise<void>;
  log: Log;
}

/**
 * An outbox that keeps the order of its commands. It sends one batch and waits for the reply. Meanwhile, new commands
 * wait for the next batch. So an idle lane sends each command immediately, and in a busy lane hundreds of commands
 * share one BullMQ job and one SQL statement.
 * @template C the type of the commands @template O the type of the outcomes
 */
export class Lane<C, O extends object> {
  readonly #index: number;
  readonly #options: LaneOptions<C>;
  readonly #waiting = new Turns<PendingCommand<C, O>>();
  /** In the order of their numbers. */
  #inFlight: BatchInFlight<C, O>[] = [];
  #nextNumber = 0;

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
    const isFull =
      this.#waiting.size >= limits.MAX_WAITING_COMMANDS ||
      this.#waiting.countOf(pendingCommand.userId) >= limits.MAX_WAITING_COMMANDS_OF_USER;
    if (isFull) {
      pendingCommand.onOutcome({ code: 'busy' });
      return;
    }
    this.#waiting.add(pendingCommand);
    this.#sendBatches();
  }

  /** Handles the reply to a batch. Ignores a second reply, and a reply to a batch that was given up. */
  complete(number: number, outcomes: O[]): void {
    this.#finish(number, (index) => {
      const outcome = outcomes[index];
      return isOutcome(outcome) ? outcome : { code: 'internal' };
    });
  }

  #sendBatches(): void {
    while (this.#mayMakeBatch()) {
      const nowMs = performance.now();
      const taken = this.#waiting.take(this.#options.maxBatchCommands);
      const pendingCommands = taken.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
      if (pendingCommands.length > 0) this.#send({ number: this.#nextNumber++, pendingCommands });
      for (const { expiresAtMs, onOutcome } of taken) if (expiresAtMs <= nowMs) onOutcome({ code: 'expired' });
    }
  }

  #mayMakeBatch(): boolean {
    const { maxInFlight, minSecondBatchCommands } = this.#options;
    if (this.#inFlight.length === 0) return this.#waiting.size > 0;
    return this.#inFlight.length < maxInFlight && this.#waiting.size >= minSecondBatchCommands;
  }

  #send(batch: BatchInFlight<C, O>): void {
    const { send, log } = this.#options;
    const fields = { lane: this.#index, number: batch.number, commands: batch.pendingCommands.length };
    this.#inFlight.push(batch);
    batch.sending = new RepeatedSend({
      send: () => send(this.#encode(batch)),
      onError: (error) => log.warn({ error, ...fields }, 'a batch could not be sent'),
      onGiveUp: () => {
        log.warn(fields, 'no worker replied to a batch in time, the outcomes of the batch are unknown');
        this.#giveUp(batch.number);
      },
    });
  }

  /** The next batch may be early until now, and given up soon. So it is sent again at once, without its predecessor. */
  #giveUp(number: number): void {
    const next = this.#inFlight.find((each) => each.number > number);
    this.#finish(number, () => ({ code: 'unknown_outcome' }));
    next?.sending?.sendNow();
  }

  /**
   * The predecessor is named only while it has no reply. So a batch that is sent again after its predecessor was given
   * up is applied without the predecessor, and the predecessor is never applied after it.
   */
  #encode({ number, pendingCommands }: BatchInFlight<C, O>): Batch<C> {
    const first = this.#inFlight[0]?.number ?? number;
    return {
      ...{ v: PAYLOAD_VERSION, gateway: this.#options.gatewayId, lane: this.#index, number },
      ...(first < number && { follows: first }),
      commands: pendingCommands.map(({ command }) => command),
    };
  }

  /** The next batch is sent before the outcomes are used, because the senders of these commands may send new ones. */
  #finish(number: number, outcomeAt: (index: number) => O | RefusedOutcome): void {
    const batch = this.#inFlight.find((each) => each.number === number);
    if (!batch) return;
    batch.sending?.stop();
    this.#inFlight = this.#inFlight.filter((each) => each !== batch);
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
