import type { Queue } from 'bullmq';
import type { AccountChange, AccountCommand } from '../../shared/contract/account-commands.ts';
import type { Command } from '../../shared/contract/commands.ts';
import { newId } from '../../shared/contract/ids.ts';
import {
  type AccountOutcome,
  type Batch,
  type BatchName,
  batchQueues,
  type QueueName,
  type Reply,
  type RoomCommand,
  type RoomOutcome,
} from '../../shared/contract/jobs.ts';
import type { Log } from '../../shared/log.ts';
import type { DatabaseClock } from './database-clock.ts';
import { Lanes } from './lanes.ts';
import { toRoomCommand } from './room-commands.ts';

/** A command that is not applied within this time is refused as `expired`. */
const EXPIRE_AFTER_MS = 10_000;

/**
 * The attempts are for a batch that was committed and then not published. Even a minute later, a worker finds that the
 * batch was committed, and publishes the seq of the last message of each of its rooms. For all other failures, the lane
 * sends the batch again long before a job has used its attempts.
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
  clock: DatabaseClock;
  log: Log;
}

export interface SubmitOptions {
  /** True if the outcome must carry the stored message. */
  wantsMessage?: boolean;
}

/** Sends every command of this gateway to the workers, in batches, and returns the outcomes. */
export class CommandDispatcher {
  readonly #clock: DatabaseClock;
  readonly #rooms: Lanes<RoomCommand, RoomOutcome>;
  readonly #accounts: Lanes<AccountCommand, AccountOutcome>;
  readonly #roles: Lanes<AccountCommand, AccountOutcome>;

  constructor({ gatewayId, laneCount, queues, clock, log }: CommandDispatcherOptions) {
    this.#clock = clock;
    const createLanes = <C, O extends object>(name: BatchName, count: number) => {
      const send = async (batch: Batch<C>) => {
        await queues[batchQueues[name]].add(name, batch, JOB_OPTIONS);
      };
      return new Lanes<C, O>({ gatewayId, count, send, log });
    };
    this.#rooms = createLanes('apply-room-commands', laneCount);
    this.#accounts = createLanes('apply-account-commands', 1);
    this.#roles = createLanes('apply-role-changes', 1);
  }

  /** The number of commands without an outcome. */
  get pending(): number {
    return this.#rooms.pending + this.#accounts.pending + this.#roles.pending;
  }

  /**
   * Sends a room command. Never rejects.
   * @returns the outcome. It has a `message` if the command is committed and `wantsMessage` is true.
   */
  submit(command: Command, actorId: string, options?: SubmitOptions): Promise<RoomOutcome> {
    const expiresAtMs = Date.now() + EXPIRE_AFTER_MS;
    const roomCommand = toRoomCommand(command, actorId, this.#clock.toDatabaseTime(expiresAtMs));
    if (options?.wantsMessage) roomCommand.wantsMessage = true;
    // A new room has no earlier commands. The key of its creator keeps the order of the rooms that one user creates.
    const key = command.command === 'CreateRoom' ? actorId : command.roomId;
    return this.#rooms.push(key, roomCommand, expiresAtMs);
  }

  /** Sends a change of an account. Never rejects. @returns the outcome */
  changeAccount(change: AccountChange): Promise<AccountOutcome> {
    const id = newId();
    const expiresAtMs = Date.now() + EXPIRE_AFTER_MS;
    const deadline = this.#clock.toDatabaseTime(expiresAtMs).toISOString();
    const lanes = change.command === 'ChangeRole' ? this.#roles : this.#accounts;
    return lanes.push(id, { ...change, id, deadline }, expiresAtMs);
  }

  /** Handles a reply of a worker. Ignores a reply to a batch that is not in flight. */
  complete({ job, lane, number, outcomes }: Reply): void {
    if (job === 'apply-room-commands') this.#rooms.complete(lane, number, outcomes as RoomOutcome[]);
    else if (job === 'apply-role-changes') this.#roles.complete(lane, number, outcomes as AccountOutcome[]);
    else this.#accounts.complete(lane, number, outcomes as AccountOutcome[]);
  }
}
