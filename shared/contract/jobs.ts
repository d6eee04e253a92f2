import * as v from 'valibot';
import type { CommandName } from './commands.ts';
import type { ErrorCode } from './errors.ts';
import { Email } from './fields.ts';
import { Id } from './ids.ts';
import type { Message } from './messages.ts';
import { OtpPurpose } from './otps.ts';
import { Version } from './versions.ts';

/** BullMQ's queues. Each kind of worker serves one of them. */
export const QUEUES = ['persistence', 'otp-email', 'role-changes'] as const;
export type QueueName = (typeof QUEUES)[number];

/** The kinds of batches, and the queue of each. */
export const batchQueues = {
  'apply-room-commands': 'persistence',
  'apply-account-commands': 'persistence',
  'apply-role-changes': 'role-changes',
} as const satisfies Record<string, QueueName>;
export type BatchName = keyof typeof batchQueues;
const batchNames = Object.keys(batchQueues) as BatchName[];

const WholeNumber = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/**
 * One job: commands of one lane, in their order. The schema checks the batch once. Each command is checked when it is
 * applied. A batch that is sent again keeps its lane and its number.
 */
export const Batch = v.object({
  v: Version,
  /** The gateway that waits for the outcomes. */
  gateway: Id,
  lane: WholeNumber,
  /** Counts the batches of the lane. */
  number: WholeNumber,
  commands: v.pipe(v.array(v.any()), v.minLength(1)),
});
export interface Batch<C> extends v.InferOutput<typeof Batch> {
  commands: C[];
}

/** A client's command on its way to a worker: with its actor, without its unused fields. */
export interface RoomCommand {
  /** The id of the message that the command makes. Outcomes are matched by it. */
  id: string;
  command: CommandName;
  actorId: string;
  ref: string;
  /** RFC 3339, by the clock of the database. After it the command is refused as `expired`. */
  deadline: string;
  roomId: string;
  targetId: string;
  text: string;
  roomType?: string;
  /** True if the outcome must carry the stored message. */
  wantsMessage?: true;
}

/** The name of a job that mails a one-time password. Its data is an {@link OtpRequest}. */
export const OTP_JOB = 'mail-otp';

/** The one kind of job of the otp-email worker. The worker makes the code itself: no job holds a code. */
export const OtpRequest = v.object({
  v: Version,
  email: Email,
  /** Without a purpose the worker chooses: `login` if an account has this e-mail, else `register`. */
  purpose: v.optional(OtpPurpose),
  /** The user who wants this e-mail. For `update` only. */
  userId: v.optional(Id),
});
export type OtpRequest = v.InferOutput<typeof OtpRequest>;

export interface Rejected {
  code: ErrorCode;
}

/** A room command is committed. `message` is there if the command has `wantsMessage`. */
export interface CommittedCommand {
  id: string;
  roomId: string;
  seq: number;
  message?: Message;
}

export type RoomOutcome = CommittedCommand | Rejected;

/** The id of the account command, or why it was rejected. */
export type AccountOutcome = { id: string } | Rejected;

/** What a worker answers for a batch. The schema checks the reply once, not each outcome. */
export const Reply = v.object({
  job: v.picklist(batchNames),
  lane: WholeNumber,
  number: WholeNumber,
  /** In the order of the commands. */
  outcomes: v.array(v.any()),
});
export interface Reply extends v.InferOutput<typeof Reply> {
  outcomes: (RoomOutcome | AccountOutcome)[];
}
