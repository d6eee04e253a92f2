import type { Random } from '../../bench/proof/seeded-random.ts';
import type { ErrorCode } from '../../shared/contract/errors.ts';
import type { Batch } from '../../shared/contract/jobs.ts';
import { placeOfBatch } from './batch-order.ts';

/** A command of the simulation. */
export interface Push {
  gateway: string;
  /** The commands of a gateway have ids in the order in which they were given to the lanes. */
  id: number;
  /** Two commands with the same ref have one effect. */
  ref: string;
  /** Commands of one user with one key keep their order. */
  key: string;
  userId: string;
  deadlineMs: number;
}

export const users = ['ann', 'bob', 'cyd'];

export type Outcome = { seq: number } | { code: ErrorCode };

interface Job {
  id: string;
  batch: Batch<Push>;
  /** Present after a worker has applied the batch. */
  outcomes?: Outcome[];
}

/**
 * A model of the queue, the workers and Postgres. The queue may lose, double and swap jobs. Workers may die before and
 * after a batch is applied, and replies may be lost, doubled and late.
 */
export class LanesModel {
  readonly #random: Random;
  readonly #waiting: Job[] = [];
  readonly #running: Job[] = [];
  readonly #applied = new Map<string, number>();
  /** The commands that had an effect, in the order of their effects. */
  readonly stored: Push[] = [];
  #jobCount = 0;
  earlyBatches = 0;
  /** The users who may write now. */
  readonly #mayWrite = new Set(users);

  constructor(random: Random) {
    this.#random = random;
  }

  /** @returns the id of the job */
  add(batch: Batch<Push>): string {
    const id = String(this.#jobCount++);
    this.#waiting.push({ id, batch });
    return id;
  }

  isWaiting(jobId: string): boolean {
    return this.#waiting.some(({ id }) => id === jobId);
  }

  loseJob(): void {
    this.#take(this.#waiting);
  }

  doubleJob(): void {
    const job = this.#waiting[this.#random(this.#waiting.length)];
    if (job) this.#waiting.push({ ...job });
  }

  changeRights(): void {
    const userId = users[this.#random(users.length)] as string;
    if (!this.#mayWrite.delete(userId)) this.#mayWrite.add(userId);
  }

  /** A worker takes a job. @param mayBeSwapped false if it takes the first job */
  startJob(mayBeSwapped: boolean): void {
    const job = mayBeSwapped ? this.#take(this.#waiting) : this.#waiting.shift();
    if (job) this.#running.push(job);
  }

  /** A worker dies. The queue gives its job to another worker. */
  killWorker(): void {
    const job = this.#take(this.#running);
    if (job) this.#waiting.push({ id: job.id, batch: job.batch });
  }

  /** A worker applies its batch. It hands an early batch back to the queue. */
  applyBatch(nowMs: number): void {
    const job = this.#take(this.#running);
    if (!job) return;
    const outcomes = job.outcomes ?? this.#apply(job.batch, nowMs);
    if (outcomes) this.#running.push({ ...job, outcomes });
    else this.#waiting.push(job);
  }

  /** Takes the reply of an applied batch. @param isKept true if the same reply arrives again later */
  takeReply(isKept: boolean): Required<Job> | undefined {
    const replies = this.#running.filter((job): job is Required<Job> => job.outcomes !== undefined);
    const job = replies[this.#random(replies.length)];
    if (job && !isKept) this.#running.splice(this.#running.indexOf(job), 1);
    return job;
  }

  #take(jobs: Job[]): Job | undefined {
    return jobs.splice(this.#random(jobs.length), 1)[0];
  }

  /** Does the same as the SQL function apply_room_commands. @returns undefined if the batch is early */
  #apply({ gateway, lane, number, follows, commands }: Batch<Push>, nowMs: number): Outcome[] | undefined {
    const laneKey = `${gateway}:${lane}`;
    const place = placeOfBatch(this.#applied.get(laneKey) ?? null, number, follows ?? null);
    if (place === 'early') this.earlyBatches++;
    if (place === 'early') return undefined;
    if (place === 'new') this.#applied.set(laneKey, number);
    return commands.map((push) => this.#outcomeOf(push, place === 'new', nowMs));
  }

  #outcomeOf(push: Push, isNew: boolean, nowMs: number): Outcome {
    const seq = this.stored.findIndex(({ ref }) => ref === push.ref) + 1;
    if (seq > 0) return { seq };
    if (!isNew || push.deadlineMs <= nowMs) return { code: 'expired' };
    if (!this.#mayWrite.has(push.userId)) return { code: 'not_a_member' };
    return { seq: this.stored.push(push) };
  }
}
