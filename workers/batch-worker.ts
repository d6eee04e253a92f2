import type { Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { AccountCommand } from '../shared/contract/account-commands.ts';
import type { ChannelNames } from '../shared/contract/channels.ts';
import type { AccountOutcome, Batch, BatchName, QueueName, RoomCommand, RoomOutcome } from '../shared/contract/jobs.ts';
import type { Database } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import { applyAccountCommands } from './apply-account-commands.ts';
import { applyRoomCommands } from './apply-room-commands.ts';
import { type Publication, publicationsOf, publish, replyPublication, revocationPublication } from './publications.ts';
import { type QueueAccess, startWorker } from './queue-worker.ts';
import type { Reminders } from './reminders.ts';

/** What applying batches takes. */
export interface BatchWork {
  database: Database;
  /** For publishing. */
  redis: Redis;
  names: ChannelNames;
  reminders: Reminders;
  /** `ALLOWED_USERS_ONLY` */
  allowedOnly: boolean;
  log: Log;
}

interface Applied {
  outcomes: (RoomOutcome | AccountOutcome)[];
  publications: Publication[];
}

/**
 * Takes batches off a queue, writes them to Postgres, and tells the gateways.
 * @param concurrency jobs at the same time; each waits for Postgres most of its time
 */
export function startBatches(queue: QueueName, access: QueueAccess, work: BatchWork, concurrency: number): Worker {
  return startWorker(queue, access, concurrency, (job: Job<Batch<never>, void, BatchName>) => applyJob(work, job));
}

async function applyJob(work: BatchWork, { name, data }: Job<Batch<never>, void, BatchName>): Promise<void> {
  const { gateway, lane, number } = data;
  const { outcomes, publications } = await appliers[name](work, `${gateway}:${name}:${lane}`, data);
  const reply = replyPublication(work.names, gateway, { job: name, lane, number, outcomes });
  await publish(work.redis, [...publications, reply]);
}

type Apply = (work: BatchWork, sender: string, batch: Batch<never>) => Promise<Applied>;

const applyAccounts: Apply = async (work, sender, batch: Batch<AccountCommand>) => {
  const { database, names, reminders, allowedOnly, log } = work;
  const { outcomes, revocations } = await applyAccountCommands(database, sender, batch, allowedOnly, log);
  const publications = revocations.map(({ userId, revocation }) => revocationPublication(names, userId, revocation));
  reminders.repeat(publications);
  return { outcomes, publications };
};

const appliers: Record<BatchName, Apply> = {
  'apply-room-commands': async ({ database, names, reminders, log }, sender, batch: Batch<RoomCommand>) => {
    const { outcomes, fresh, repeated } = await applyRoomCommands(database, sender, batch, log);
    reminders.note([...repeated, ...fresh]);
    return { outcomes, publications: publicationsOf(fresh, repeated, names) };
  },
  'apply-account-commands': applyAccounts,
  'apply-role-changes': applyAccounts,
};
