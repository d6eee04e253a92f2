import type { Redis } from 'ioredis';
import * as v from 'valibot';
import type { AccountCommand } from '../shared/contract/account-commands.ts';
import type { ChannelNames } from '../shared/contract/channels.ts';
import {
  type AccountOutcome,
  Batch,
  type BatchName,
  type RoomCommand,
  type RoomOutcome,
} from '../shared/contract/jobs.ts';
import type { Database } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import { applyAccountCommands } from './apply-account-commands.ts';
import { applyRoomCommands } from './apply-room-commands.ts';
import { noticePublications, type Publication, publicationsOf, publish, replyPublication } from './publications.ts';
import type { PrepareJob } from './queue-worker.ts';
import type { RepeatedPublications } from './repeated-publications.ts';

export interface BatchContext {
  database: Database;
  /** A Redis connection of the kind `producer` (shared/redis.ts). */
  redis: Redis;
  names: ChannelNames;
  repeatedPublications: RepeatedPublications;
  /** `ALLOWED_USERS_ONLY` */
  allowListOnly: boolean;
  log: Log;
}

interface Applied {
  outcomes: (RoomOutcome | AccountOutcome)[];
  publications: Publication[];
}

/** The jobs of all kinds of batches. A job writes its batch to Postgres, then publishes the events and the reply. */
export function batchJobs(context: BatchContext): Record<BatchName, PrepareJob> {
  const jobOf =
    (name: BatchName): PrepareJob =>
    (data) => {
      const batch = v.parse(Batch, data) as Batch<never>;
      return () => applyAndPublish(context, name, batch);
    };
  return {
    'apply-room-commands': jobOf('apply-room-commands'),
    'apply-account-commands': jobOf('apply-account-commands'),
    'apply-role-changes': jobOf('apply-role-changes'),
  };
}

async function applyAndPublish(context: BatchContext, name: BatchName, batch: Batch<never>): Promise<void> {
  const { gateway, lane, number } = batch;
  // A lane is an ordered outbox of a gateway. The key is different for every lane of every gateway.
  const laneKey = `${gateway}:${name}:${lane}`;
  const { outcomes, publications } = await appliers[name](context, laneKey, batch);
  const reply = replyPublication(context.names, gateway, { job: name, lane, number, outcomes });
  await publish(context.redis, [...publications, reply]);
}

type Apply = (context: BatchContext, laneKey: string, batch: Batch<never>) => Promise<Applied>;

const applyAccounts: Apply = async (context, laneKey, batch: Batch<AccountCommand>) => {
  const { database, names, repeatedPublications, allowListOnly, log } = context;
  const { outcomes, revocations } = await applyAccountCommands(database, laneKey, batch, allowListOnly, log);
  repeatedPublications.addNotices(revocations);
  return { outcomes, publications: noticePublications(revocations, names) };
};

const applyRooms: Apply = async (context, laneKey, batch: Batch<RoomCommand>) => {
  const { database, names, repeatedPublications, log } = context;
  const { outcomes, newMessages, earlierMessages } = await applyRoomCommands(database, laneKey, batch, log);
  repeatedPublications.addMessages([...earlierMessages, ...newMessages]);
  return { outcomes, publications: publicationsOf(newMessages, earlierMessages, names) };
};

const appliers: Record<BatchName, Apply> = {
  'apply-room-commands': applyRooms,
  'apply-account-commands': applyAccounts,
  'apply-role-changes': applyAccounts,
};
