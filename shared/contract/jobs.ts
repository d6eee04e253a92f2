import * as v from 'valibot';
import type { CommandName } from './commands.ts';
import type { ErrorCode } from './errors.ts';
import { Email } from './fields.ts';
import { Id } from './ids.ts';
import type { Message } from './messages.ts';
import { OtpPurpose } from './otps.ts';
import type { ReadCounts } from './read-marks.ts';
import { Version } from './versions.ts';

/** The queues of BullMQ. For each queue there is a kind of worker with the same name. */
export const QUEUES = ['persistence', 'otp-email', 'role-changes'] as const;
export type QueueName = (typeof QUEUES)[number];

/** The kinds of batches, and the queue of each. */
export const batchQueues = {
  'apply-room-commands': 'persistence',
  'apply-account-commands': 'persistence',
  'apply-read-marks': 'persistence',
  'apply-role-changes': 'role-changes',
} as const satisfies Record<string, QueueName>;
export type BatchName = keyof typeof batchQueues;
const batchNames = Object.keys(batchQueues) as BatchName[];

const WholeNumber = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/**
 * The data of one job: commands of one lane, in order. A lane is an ordered outbox of a gateway. A batch that is sent
 * again keeps its lane and its number. The schema does not check the commands: that happens when they are applied.
 */
export const Batch = v.object({
  v: Version,
  /** The gateway that waits for the outcomes. */
  gateway: Id,
  lane: WholeNumber,
  /** The number of the batch in its lane: 0, 1, 2 and so on. */
  number: WholeNumber,
  /** The number of the lane's batch before this one, if it has no reply yet. It must be applied before this batch. */
  follows: v.optional(WholeNumber),
  /** How many times the batch was sent before. Absent means 0: the first sending. */
  copy: v.optional(WholeNumber),
  commands: v.pipe(v.array(v.any()), v.minLength(1)),
});
export interface Batch<C> extends v.InferOutput<typeof Batch> {
  commands: C[];
}

/**
 * A client's command in the form that a worker gets. It has the id of the sender, and only the fields that the
 * command uses.
 */
export interface RoomCommand {
  /** The id of the message that the command makes. The worker finds the outcome of the command by this id. */
  id: string;
  command: CommandName;
  actorId: string;
  ref: string;
  /** A time by the clock of the database (RFC 3339). After this time the command is refused as `expired`. */
  deadline: string;
  /** Undefined for a CreateRoom: the id of the new room comes from the SQL function created_room_id. */
  roomId?: string;
  /**
   * The message or the user that the command is about. A command that is about a room has the id of the room here, or
   * nothing if it is a CreateRoom.
   */
  targetId?: string;
  text: string;
  roomType?: string;
  /** True if the outcome must contain the stored message. */
  wantsMessage?: true;
}

/** The name of a job that mails a one-time password. Its data is an {@link OtpRequest}. */
export const OTP_JOB = 'mail-otp';

/** The data of a job that mails a one-time password. The worker makes the one-time password, so no job contains one. */
export const OtpRequest = v.object({
  v: Version,
  email: Email,
  /** Without a purpose the worker chooses: `login` if an account has this e-mail, else `register`. */
  purpose: v.optional(OtpPurpose),
  /** The user who wants to change their e-mail address to this one. Only for `update`. */
  userId: v.optional(Id),
});
export type OtpRequest = v.InferOutput<typeof OtpRequest>;

/** An outcome without a success: the command was refused, or (`unknown_outcome`) nobody knows if it was applied. */
export interface RefusedOutcome {
  code: ErrorCode;
}

/** The outcome of an applied room command: where its message is stored. */
export interface CommittedCommand {
  id: string;
  roomId: string;
  seq: number;
  /** Present if the command has `wantsMessage`. */
  message?: Message;
}

export type RoomOutcome = CommittedCommand | RefusedOutcome;

/**
 * The id of the account command that was applied (for `Register` also the id of the new account), or the reason of
 * the refusal.
 */
export type AccountOutcome = { id: string } | RefusedOutcome;

/** What is stored after a mark. The mark itself may be unchanged: it never moves back, and never above the head. */
export type ReadOutcome = ReadCounts | RefusedOutcome;

/** The answer of a worker to a batch. The schema does not check the outcomes: the lane of the gateway does. */
export const Reply = v.object({
  job: v.picklist(batchNames),
  lane: WholeNumber,
  number: WholeNumber,
  /** In the order of the commands of the batch. The lane finds the command of an outcome by this order. */
  outcomes: v.array(v.any()),
});
export interface Reply extends v.InferOutput<typeof Reply> {
  outcomes: (RoomOutcome | AccountOutcome | ReadOutcome)[];
}
