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
 * A lane sends its batch again long before a job has used its attempts. The attempts serve a batch that was committed
 * and not published: even a minute later, a worker finds the batch stored and publishes the heads of its rooms.
 */
const JOB_OPTIONS = {
  attempts: 30,
  backoff: { type: 'fixed', delay: 2_000 },
  removeOnComplete: true,
  removeOnFail: true,
};

export interface CommandDispatcherOptions {
  gatewayId: string;
  /** The number of lanes for room commands. */
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

  /** @returns the outcome, with `message` if `wantsMessage` is set and the command is committed; never rejects */
  submit(command: Command, actorId: string, options?: SubmitOptions): Promise<RoomOutcome> {
    const expiresAtMs = Date.now() + EXPIRE_AFTER_MS;
    const roomCommand = toRoomCommand(command, actorId, this.#clock.toDatabaseTime(expiresAtMs));
    if (options?.wantsMessage) roomCommand.wantsMessage = true;
    // A new room has no earlier commands, so the order of its creator's commands counts.
    const key = command.command === 'CreateRoom' ? actorId : command.roomId;
    return this.#rooms.push(key, roomCommand, expiresAtMs);
  }

  /** @returns the outcome; never rejects */
  changeAccount(change: AccountChange): Promise<AccountOutcome> {
    const id = newId();
    const expiresAtMs = Date.now() + EXPIRE_AFTER_MS;
    const deadline = this.#clock.toDatabaseTime(expiresAtMs).toISOString();
    const lanes = change.command === 'ChangeRole' ? this.#roles : this.#accounts;
    return lanes.push(id, { ...change, id, deadline }, expiresAtMs);
  }

  /** Takes a worker's reply. Ignores a reply to a batch that is not in flight. */
  complete({ job, lane, number, outcomes }: Reply): void {
    if (job === 'apply-room-commands') this.#rooms.complete(lane, number, outcomes as RoomOutcome[]);
    else if (job === 'apply-role-changes') this.#roles.complete(lane, number, outcomes as AccountOutcome[]);
    else this.#accounts.complete(lane, number, outcomes as AccountOutcome[]);
  }
}
