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
import type { Clock } from './database-clock.ts';
import { Lanes } from './lanes.ts';
import { toRoomCommand } from './room-commands.ts';

/** Milliseconds that a command has until it must be applied. */
const TIME_TO_APPLY = 10_000;

/**
 * The lane sends a batch again long before its job has used up its attempts. They are for what was committed with
 * nobody left to publish it: a minute later still, a worker finds it stored and says how far its rooms are.
 */
const JOB_OPTIONS = {
  attempts: 30,
  backoff: { type: 'fixed', delay: 2_000 },
  removeOnComplete: true,
  removeOnFail: true,
};

export interface CommandDispatcherOptions {
  gateway: string;
  /** Batches of room commands that may be in flight at once. */
  lanes: number;
  queues: Record<QueueName, Queue>;
  clock: Clock;
  log: Log;
}

/** The one way to change anything: every command, from a socket or over HTTP, goes through here to a worker. */
export class CommandDispatcher {
  readonly #clock: Clock;
  readonly #rooms: Lanes<RoomCommand, RoomOutcome>;
  readonly #accounts: Lanes<AccountCommand, AccountOutcome>;
  readonly #roles: Lanes<AccountCommand, AccountOutcome>;

  constructor({ gateway, lanes, queues, clock, log }: CommandDispatcherOptions) {
    this.#clock = clock;
    const lanesTo = <C, O>(name: BatchName, count: number) => {
      const send = async (batch: Batch<C>) => {
        await queues[batchQueues[name]].add(name, batch, JOB_OPTIONS);
      };
      return new Lanes<C, O>({ gateway, count, send, log });
    };
    this.#rooms = lanesTo('apply-room-commands', lanes);
    this.#accounts = lanesTo('apply-account-commands', 1);
    this.#roles = lanesTo('apply-role-changes', 1);
  }

  /** CommandDispatcher that still wait for their outcome. */
  get open(): number {
    return this.#rooms.open + this.#accounts.open + this.#roles.open;
  }

  /** @param actorId the user who asks. Never rejects. */
  submit(command: Command, actorId: string): Promise<RoomOutcome> {
    const expires = Date.now() + TIME_TO_APPLY;
    const roomCommand = toRoomCommand(command, actorId, this.#clock.toDatabase(expires));
    // A room that is about to be made has no order to keep yet; its creator has.
    const key = command.command === 'CreateRoom' ? actorId : command.roomId;
    return this.#rooms.push(key, roomCommand, expires);
  }

  /** Never rejects. */
  change(change: AccountChange): Promise<AccountOutcome> {
    const id = newId();
    const expires = Date.now() + TIME_TO_APPLY;
    const deadline = this.#clock.toDatabase(expires).toISOString();
    const lanes = change.command === 'ChangeRole' ? this.#roles : this.#accounts;
    return lanes.push(id, { ...change, id, deadline }, expires);
  }

  /** Takes a worker's reply. */
  settle({ job, lane, number, outcomes }: Reply): void {
    if (job === 'apply-room-commands') this.#rooms.settle(lane, number, outcomes as RoomOutcome[]);
    else if (job === 'apply-role-changes') this.#roles.settle(lane, number, outcomes as AccountOutcome[]);
    else this.#accounts.settle(lane, number, outcomes as AccountOutcome[]);
  }
}
