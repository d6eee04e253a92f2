import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { AccountChange, AccountCommand } from '../../shared/contract/account-commands.ts';
import type { Command } from '../../shared/contract/commands.ts';
import { newId } from '../../shared/contract/ids.ts';
import {
  type AccountOutcome,
  type Batch,
  type BatchName,
  batchQueues,
  type QueueName,
  type ReadOutcome,
  type Reply,
  type RoomCommand,
  type RoomOutcome,
} from '../../shared/contract/jobs.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { ReadMark } from '../../shared/contract/read-marks.ts';
import type { Log } from '../../shared/log.ts';
import type { DatabaseClock } from './database-clock.ts';
import { Lanes, type LanesOptions } from './lanes.ts';
import { toRoomCommand } from './room-commands.ts';
import { isWaiting } from './waiting-jobs.ts';

/** A command that is not applied within this time is refused as `expired`. */
const EXPIRE_AFTER_MS = 10_000;

/** Lanes of account commands have one batch in flight: Postgres keeps the outcomes of their newest batch only. */
const ROOM_BATCHES_IN_FLIGHT = 2;

const BATCH_SIZES = {
  maxBatchCommands: limits.MAX_BATCH_COMMANDS,
  minSecondBatchCommands: limits.MIN_SECOND_BATCH_COMMANDS,
};

/**
 * A job has this many attempts because of two cases. A worker commits a batch, but cannot publish its messages and its
 * reply: a later attempt finds that the batch is committed, and publishes the last seq of each room of the batch. Or the
 * batch is early (workers/in-turn.ts): a later attempt finds that the batch before it is applied. For all other
 * failures, the lane sends the batch again long before a job has used its attempts.
 */
const JOB_OPTIONS = {
  attempts: 30,
  backoff: { type: 'fixed', delay: 2_000 },
  removeOnComplete: true,
  removeOnFail: true,
};

export interface CommandDispatcherOptions {
  gatewayId: string;
  /** The number of lanes for room commands. A lane is an outbox that keeps the order of its commands (lanes.ts). */
  laneCount: number;
  queues: Record<Exclude<QueueName, 'otp-email'>, Queue>;
  /** The connection of the queues. */
  redis: Redis;
  clock: DatabaseClock;
  log: Log;
}

export interface SubmitOptions {
  /** True if the outcome must carry the stored message. */
  wantsMessage?: boolean;
  /** See {@link newExpiry}. A caller that waits before it submits the command sets this before it waits. */
  expiresAtMs?: number;
}

/** Returns when a command that has just arrived expires, by `performance.now()`. */
export function newExpiry(): number {
  return performance.now() + EXPIRE_AFTER_MS;
}

/** Sends every command of this gateway to the workers, in batches, and returns the outcomes. */
export class CommandDispatcher {
  readonly #clock: DatabaseClock;
  #refusesNew = false;
  readonly #roomLanes: Lanes<RoomCommand, RoomOutcome>;
  readonly #accountLanes: Lanes<AccountCommand, AccountOutcome>;
  readonly #roleLanes: Lanes<AccountCommand, AccountOutcome>;
  readonly #markLanes: Lanes<ReadMark, ReadOutcome>;

  constructor({ gatewayId, laneCount, queues, redis, clock, log }: CommandDispatcherOptions) {
    this.#clock = clock;
    const createLanes = <C, O extends object>(name: BatchName, options: Partial<LanesOptions<C>> = {}) => {
      const queue = queues[batchQueues[name]];
      const send = async (batch: Batch<C>) => (await queue.add(name, batch, JOB_OPTIONS)).id;
      return new Lanes<C, O>({
        ...{ gatewayId, count: 1, maxInFlight: 1, ...BATCH_SIZES, send, log },
        isWaiting: (jobId) => isWaiting(queue, redis, jobId),
        ...options,
      });
    };
    this.#roomLanes = createLanes('apply-room-commands', {
      ...{ count: laneCount, maxInFlight: ROOM_BATCHES_IN_FLIGHT, costOf },
    });
    this.#accountLanes = createLanes('apply-account-commands');
    this.#roleLanes = createLanes('apply-role-changes');
    this.#markLanes = createLanes('apply-read-marks');
  }

  get #allLanes(): Pick<Lanes<unknown, object>, 'pending' | 'resend'>[] {
    return [this.#roomLanes, this.#accountLanes, this.#roleLanes, this.#markLanes];
  }

  /** The number of commands without an outcome. */
  get pending(): number {
    return this.#allLanes.reduce((sum, { pending }) => sum + pending, 0);
  }

  /**
   * Sends a room command. Never rejects.
   * @returns the outcome. It has a `message` if the command is committed and `wantsMessage` is true.
   */
  submit(command: Command, actorId: string, options?: SubmitOptions): Promise<RoomOutcome> {
    return new Promise((resolve) => this.submitThen(command, actorId, resolve, options));
  }

  /** Does the same as {@link submit}, without the cost of a promise: most commands come from sockets, which use this. */
  submitThen(
    command: Command,
    actorId: string,
    onOutcome: (outcome: RoomOutcome) => void,
    options?: SubmitOptions,
  ): void {
    if (this.#refusesNew) {
      onOutcome({ code: 'unavailable' });
      return;
    }
    const expiresAtMs = options?.expiresAtMs ?? newExpiry();
    const roomCommand = toRoomCommand(command, actorId, this.#clock.toDatabaseTime(expiresAtMs));
    if (options?.wantsMessage) roomCommand.wantsMessage = true;
    // A new room has no earlier commands. So the key is the id of the creator: the rooms that one user creates keep
    // their order.
    const key = command.command === 'CreateRoom' ? actorId : command.roomId;
    this.#roomLanes.push(key, { userId: actorId, command: roomCommand, expiresAtMs, onOutcome });
  }

  /** Sends a change of an account. Never rejects. @returns the outcome */
  async changeAccount(change: AccountChange, expiresAtMs = newExpiry()): Promise<AccountOutcome> {
    if (this.#refusesNew) return { code: 'unavailable' };
    const id = newId();
    const deadline = this.#clock.toDatabaseTime(expiresAtMs);
    const lanes = change.command === 'ChangeRole' ? this.#roleLanes : this.#accountLanes;
    // A new account has no user yet, and the epoch has none. So each of these commands has its own turn.
    const userId = 'userId' in change ? change.userId : id;
    return new Promise((onOutcome) => {
      lanes.push(userId, { userId, command: { ...change, id, deadline }, expiresAtMs, onOutcome });
    });
  }

  /** Sends a mark of read messages. Never rejects. @returns what is stored, and what is unread */
  markRead(mark: ReadMark): Promise<ReadOutcome> {
    if (this.#refusesNew) return Promise.resolve({ code: 'unavailable' });
    const { userId } = mark;
    return new Promise((onOutcome) => {
      this.#markLanes.push(userId, { userId, command: mark, expiresAtMs: newExpiry(), onOutcome });
    });
  }

  /** From now on, every new command is refused as `unavailable`. The others still get their outcomes. */
  refuseNew(): void {
    this.#refusesNew = true;
  }

  /** Sends every batch without a reply again at once. Call this when replies may be lost. */
  resend(): void {
    for (const lanes of this.#allLanes) lanes.resend();
  }

  /** Handles a reply of a worker. Ignores a reply to a batch that is not in flight. */
  complete({ job, lane, number, outcomes }: Reply): void {
    if (job === 'apply-room-commands') this.#roomLanes.complete(lane, number, outcomes as RoomOutcome[]);
    else if (job === 'apply-read-marks') this.#markLanes.complete(lane, number, outcomes as ReadOutcome[]);
    else if (job === 'apply-role-changes') this.#roleLanes.complete(lane, number, outcomes as AccountOutcome[]);
    else this.#accountLanes.complete(lane, number, outcomes as AccountOutcome[]);
  }
}

/** So a batch of the most expensive texts takes about as long as a full batch of other messages. */
function costOf({ text }: RoomCommand): number {
  return text?.includes('@') ? limits.MENTION_COST : 1;
}
