import { type Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { ChannelNames } from '../shared/channels.ts';
import type { Database } from '../shared/database.ts';
import {
  type AccountCommand,
  type AccountOutcome,
  type Batch,
  type JobName,
  PERSISTENCE,
  type RoomCommand,
  type RoomOutcome,
} from '../shared/jobs.ts';
import type { Log } from '../shared/log.ts';
import { applyAccountCommands } from './apply-account-commands.ts';
import { applyRoomCommands } from './apply-room-commands.ts';
import { type Publication, publicationsOf, publish, replyPublication } from './broadcasts.ts';
import type { Reminders } from './reminders.ts';

/** Jobs that one process works on at the same time; each waits for Postgres most of its time. */
export const CONCURRENCY = 8;

export interface Persistence {
  database: Database;
  /** For publishing. */
  redis: Redis;
  names: ChannelNames;
  reminders: Reminders;
  log: Log;
}

interface Applied {
  outcomes: (RoomOutcome | AccountOutcome)[];
  publications: Publication[];
}

/** Takes batches off the queue, writes them to Postgres, and tells the gateways. */
export function startPersistence(
  work: Persistence,
  connection: Redis,
  prefix: string,
): Worker<Batch<never>, void, JobName> {
  const worker = new Worker<Batch<never>, void, JobName>(PERSISTENCE, (job) => applyJob(work, job), {
    connection,
    prefix,
    concurrency: CONCURRENCY,
    // A dead worker's job is taken over soon; the lanes have sent it again long before.
    lockDuration: 10_000,
    stalledInterval: 5_000,
    maxStalledCount: 5,
  });
  worker.on('error', (error) => work.log.warn({ error }, 'queue'));
  worker.on('failed', (job, error) => work.log.warn({ error, job: job?.id }, 'a job failed; its lane sends it again'));
  return worker;
}

async function applyJob(work: Persistence, { name, data }: Job<Batch<never>, void, JobName>): Promise<void> {
  const { gateway, lane, number } = data;
  const { outcomes, publications } = await appliers[name](work, data);
  const reply = replyPublication(work.names, gateway, { job: name, lane, number, outcomes });
  await publish(work.redis, [...publications, reply]);
}

const appliers: Record<JobName, (work: Persistence, batch: Batch<never>) => Promise<Applied>> = {
  'apply-room-commands': async ({ database, names, reminders, log }, batch: Batch<RoomCommand>) => {
    const { outcomes, fresh, repeated } = await applyRoomCommands(database, batch, log);
    reminders.note([...repeated, ...fresh]);
    return { outcomes, publications: publicationsOf(fresh, repeated, names) };
  },
  'apply-account-commands': async ({ database, log }, { commands }: Batch<AccountCommand>) => ({
    outcomes: await applyAccountCommands(database, commands, log),
    publications: [],
  }),
};
