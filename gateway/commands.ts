import type { Queue } from 'bullmq';
import type { Reply } from '../shared/channels.ts';
import type { Command } from '../shared/commands.ts';
import {
  type AccountCommand,
  type AccountOutcome,
  type Batch,
  type JobName,
  type Register,
  type Rejected,
  type RoomCommand,
  type RoomOutcome,
  toRoomCommand,
} from '../shared/jobs.ts';
import type { Log } from '../shared/log.ts';
import type { Clock } from './clock.ts';
import { Lanes } from './lanes.ts';

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

export interface CommandsOptions {
  gateway: string;
  /** Batches of room commands that may be in flight at once. */
  lanes: number;
  queue: Queue<Batch<unknown>, void, JobName>;
  clock: Clock;
  log: Log;
}

/** The one way to change anything: every command, from a socket or over HTTP, goes through here to a worker. */
export class Commands {
  readonly #clock: Clock;
  readonly #rooms: Lanes<RoomCommand, RoomOutcome>;
  readonly #accounts: Lanes<AccountCommand, AccountOutcome>;

  constructor({ gateway, lanes, queue, clock, log }: CommandsOptions) {
    this.#clock = clock;
    const sendAs = (name: JobName) => async (batch: Batch<unknown>) => {
      await queue.add(name, batch, JOB_OPTIONS);
    };
    this.#rooms = new Lanes<RoomCommand, RoomOutcome>({
      gateway,
      count: lanes,
      send: sendAs('apply-room-commands'),
      log,
    });
    this.#accounts = new Lanes<AccountCommand, AccountOutcome>({
      gateway,
      count: 1,
      send: sendAs('apply-account-commands'),
      log,
    });
  }

  /** Commands that still wait for their outcome. */
  get open(): number {
    return this.#rooms.open + this.#accounts.open;
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
  register(account: Omit<Register, 'command' | 'deadline'>): Promise<AccountOutcome | Rejected> {
    const expires = Date.now() + TIME_TO_APPLY;
    const deadline = this.#clock.toDatabase(expires).toISOString();
    return this.#accounts.push(account.id, { ...account, command: 'Register', deadline }, expires);
  }

  /** Takes a worker's reply. */
  settle({ job, lane, number, outcomes }: Reply): void {
    if (job === 'apply-room-commands') this.#rooms.settle(lane, number, outcomes as RoomOutcome[]);
    else this.#accounts.settle(lane, number, outcomes as AccountOutcome[]);
  }
}
