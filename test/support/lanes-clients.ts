import type { Random } from '../../bench/proof/seeded-random.ts';
import { Lanes } from '../../gateway/commands/lanes.ts';
import type { Batch } from '../../shared/contract/jobs.ts';
import type { Log } from '../../shared/log.ts';
import { type LanesModel, type Outcome, type Push, users } from './lanes-model.ts';

export const KEYS = ['a', 'b', 'c'];
const MAX_BATCH_COMMANDS = 3;
const MIN_SECOND_BATCH_COMMANDS = 2;
const MAX_IN_FLIGHT = 2;
const MAX_LIFETIME_MS = 40_000;

type Received = Outcome & { atMs: number };

/** The real lanes of one gateway, and clients that use them. Clients and workers never see a real clock. */
export class LanesClients {
  readonly #id: string;
  readonly #random: Random;
  readonly #model: LanesModel;
  readonly #lanes: Lanes<Push, { seq: number }>;
  readonly #inFlight = new Set<string>();
  /** The outcomes of each command. There must be one. */
  readonly outcomes = new Map<Push, Received[]>();
  readonly errors: string[] = [];
  isQueueDown = false;
  isDead = false;

  constructor(id: string, laneCount: number, random: Random, model: LanesModel) {
    this.#id = id;
    this.#random = random;
    this.#model = model;
    this.#lanes = new Lanes({
      ...{ gatewayId: id, count: laneCount, maxInFlight: MAX_IN_FLIGHT, maxBatchCommands: MAX_BATCH_COMMANDS },
      minSecondBatchCommands: MIN_SECOND_BATCH_COMMANDS,
      send: async (batch) => this.#send(batch),
      isWaiting: async (jobId) => this.#isWaiting(jobId),
      log: { warn: (fields: object) => this.#noteGivenUp(fields) } as Log,
    });
  }

  get pending(): number {
    return this.#lanes.pending;
  }

  /** Sends a new command. */
  push(key = KEYS[this.#random(KEYS.length)] as string): Push {
    const userId = users[this.#random(users.length)] as string;
    return this.#push(`${this.#id} ${this.outcomes.size}`, key, userId);
  }

  /** Sends a command of these clients again, with the same ref. */
  pushAgain({ ref, key, userId }: Push): void {
    this.#push(ref, key, userId);
  }

  /** @returns a command that has the outcome `unknown_outcome` */
  findUnknown(): Push | undefined {
    const unknown = [...this.outcomes].filter(([, [outcome]]) => codeOf(outcome) === 'unknown_outcome');
    return unknown[this.#random(unknown.length)]?.[0];
  }

  /** @param isKept true if the same reply arrives again later */
  receiveReply(isKept: boolean): void {
    const job = this.#model.takeReply(isKept);
    if (!job || this.isDead || job.batch.gateway !== this.#id) return;
    const { lane, number } = job.batch;
    this.#inFlight.delete(`${lane} ${number}`);
    this.#lanes.complete(lane, number, job.outcomes as { seq: number }[]);
  }

  #push(ref: string, key: string, userId: string): Push {
    const expiresAtMs = performance.now() + this.#random(MAX_LIFETIME_MS);
    const command = { ref, key, userId, gateway: this.#id, id: this.outcomes.size, deadlineMs: expiresAtMs };
    const outcomes: Received[] = [];
    this.outcomes.set(command, outcomes);
    const onOutcome = (outcome: Outcome) => void outcomes.push({ ...outcome, atMs: performance.now() });
    this.#lanes.push(key, { userId, command, expiresAtMs, onOutcome });
    return command;
  }

  #send(batch: Batch<Push>): string | undefined {
    if (this.isDead) return undefined;
    this.#inFlight.add(`${batch.lane} ${batch.number}`);
    const ofLane = [...this.#inFlight].filter((name) => name.startsWith(`${batch.lane} `));
    if (ofLane.length > MAX_IN_FLIGHT) this.errors.push(`in flight at the same time: ${ofLane.join(', ')}`);
    // If the queue does not answer, it may or may not have the batch.
    const jobId = !this.isQueueDown || this.#random(2) === 0 ? this.#model.add(batch) : undefined;
    if (this.isQueueDown) throw new Error('the queue does not answer');
    return jobId;
  }

  #isWaiting(jobId: string): boolean {
    if (this.isQueueDown) throw new Error('the queue does not answer');
    return this.#model.isWaiting(jobId);
  }

  /** The subscriber of the replies has lost its connection, and is back. */
  resend(): void {
    this.#lanes.resend();
  }

  #noteGivenUp({ lane, number, error }: { lane?: number; number?: number; error?: unknown }): void {
    if (!error) this.#inFlight.delete(`${lane} ${number}`);
  }
}

export const codeOf = (outcome: Outcome | undefined) => (outcome && 'code' in outcome ? outcome.code : undefined);
