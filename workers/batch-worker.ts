import * as v from 'valibot';
import type { AccountCommand } from '../shared/contract/account-commands.ts';
import type { ChannelNames } from '../shared/contract/channels.ts';
import {
  type AccountOutcome,
  Batch,
  type BatchName,
  type ReadOutcome,
  type RoomCommand,
  type RoomOutcome,
} from '../shared/contract/jobs.ts';
import { type AccountCopiesContext, applyAccountBatch } from './account-copies.ts';
import { applyReadMarks } from './apply-read-marks.ts';
import { type AppliedRoomCommands, applyRoomCommands } from './apply-room-commands.ts';
import { applyCarefully, type CarefulContext, needsCare } from './careful-batch.ts';
import { isLaneAtWork } from './in-turn.ts';
import { noticePublications, type Publication, publicationsOf, publish, replyPublication } from './publications.ts';
import type { PrepareJob } from './queue-worker.ts';
import type { RepeatedPublications } from './repeated-publications.ts';

export interface BatchContext extends CarefulContext, AccountCopiesContext {
  names: ChannelNames;
  repeatedPublications: RepeatedPublications;
}

interface Applied {
  outcomes: (RoomOutcome | AccountOutcome | ReadOutcome)[];
  publications: Publication[];
}

/** The jobs of all kinds of batches. A job writes its batch to Postgres, then publishes the events and the reply. */
export function batchJobs(context: BatchContext): Record<BatchName, PrepareJob> {
  const jobOf =
    (name: BatchName): PrepareJob =>
    (data) => {
      const batch = v.parse(Batch, data) as Batch<never>;
      return () => applyOnce(context, name, batch);
    };
  return {
    'apply-room-commands': jobOf('apply-room-commands'),
    'apply-account-commands': jobOf('apply-account-commands'),
    'apply-read-marks': jobOf('apply-read-marks'),
    'apply-role-changes': jobOf('apply-role-changes'),
  };
}

/** The batches that this process applies now: `laneKey:number`. */
const runningBatches = new Set<string>();

/**
 * Ends without a reply if the lane of the batch is at work: the statement that is at work replies. If it does not, the
 * lane sends the batch again. So copies never fill the slots of the worker.
 */
async function applyOnce(context: BatchContext, name: BatchName, batch: Batch<never>): Promise<void> {
  const { gateway, lane, number } = batch;
  // A lane is an ordered outbox of a gateway. The key is different for every lane of every gateway.
  const laneKey = `${gateway}:${name}:${lane}`;
  const key = `${laneKey}:${number}`;
  if (runningBatches.has(key)) return;
  runningBatches.add(key);
  try {
    await applyAndPublish(context, name, laneKey, batch);
  } catch (error) {
    if (!isLaneAtWork(error)) throw error;
  } finally {
    runningBatches.delete(key);
  }
}

async function applyAndPublish(context: BatchContext, name: BatchName, laneKey: string, batch: Batch<never>) {
  const { gateway, lane, number } = batch;
  const applied = await appliers[name](context, laneKey, batch);
  if (!applied) return;
  const { outcomes, publications } = applied;
  const reply = replyPublication(context.names, gateway, { job: name, lane, number, outcomes });
  await publish(context.redis, [...publications, reply]);
}

type Apply = (context: BatchContext, laneKey: string, batch: Batch<never>) => Promise<Applied | undefined>;

const applyAccounts: Apply = async (context, laneKey, batch: Batch<AccountCommand>) => {
  const { names, repeatedPublications } = context;
  const applied = await applyAccountBatch(context, laneKey, batch);
  if (!applied) return undefined;
  const { outcomes, revocations } = applied;
  repeatedPublications.addNotices(revocations);
  return { outcomes, publications: noticePublications(revocations, names) };
};

const applyRooms: Apply = async (context, laneKey, batch: Batch<RoomCommand>) => {
  const { names, repeatedPublications, redis } = context;
  const publicationsAfter = ({ newMessages, earlierMessages }: AppliedRoomCommands) => {
    repeatedPublications.addMessages([...earlierMessages, ...newMessages]);
    return publicationsOf(newMessages, earlierMessages, names);
  };
  if (await needsCare(context, laneKey, batch)) {
    const publishPart = (part: AppliedRoomCommands) => publish(redis, publicationsAfter(part));
    const outcomes = await applyCarefully(context, laneKey, batch, publishPart);
    return outcomes && { outcomes, publications: [] };
  }
  const applied = await applyRoomCommands(context, laneKey, batch);
  return { outcomes: applied.outcomes, publications: publicationsAfter(applied) };
};

/** The counts are not published again: the next mark or the next `Welcome` has them. */
const applyMarks: Apply = async (context, _laneKey, batch) => {
  const { outcomes, notices } = await applyReadMarks(context, batch);
  return { outcomes, publications: noticePublications(notices, context.names) };
};

const appliers: Record<BatchName, Apply> = {
  'apply-room-commands': applyRooms,
  'apply-account-commands': applyAccounts,
  'apply-read-marks': applyMarks,
  'apply-role-changes': applyAccounts,
};
