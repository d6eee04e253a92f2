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
import { type Publication, publicationsOf, publish, replyPublication, revocationPublication } from './publications.ts';
import type { ReadJob } from './queue-worker.ts';
import type { Reminders } from './reminders.ts';

/** What the jobs of batches work with. */
export interface BatchWork {
  database: Database;
  /** A `producer` connection. */
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

/** The jobs of all kinds of batches. A job writes its batch to Postgres, then publishes the events and the reply. */
export function batchJobs(work: BatchWork): Record<BatchName, ReadJob> {
  const jobOf =
    (name: BatchName): ReadJob =>
    (data) => {
      // Each command is checked by the statement that applies it.
      const batch = v.parse(Batch, data) as Batch<never>;
      return () => applyAndPublish(work, name, batch);
    };
  return {
    'apply-room-commands': jobOf('apply-room-commands'),
    'apply-account-commands': jobOf('apply-account-commands'),
    'apply-role-changes': jobOf('apply-role-changes'),
  };
}

async function applyAndPublish(work: BatchWork, name: BatchName, batch: Batch<never>): Promise<void> {
  const { gateway, lane, number } = batch;
  const { outcomes, publications } = await appliers[name](work, `${gateway}:${name}:${lane}`, batch);
  const reply = replyPublication(work.names, gateway, { job: name, lane, number, outcomes });
  await publish(work.redis, [...publications, reply]);
}

type Apply = (work: BatchWork, sender: string, batch: Batch<never>) => Promise<Applied>;

const applyAccounts: Apply = async (work, sender, batch: Batch<AccountCommand>) => {
  const { database, names, reminders, allowedOnly, log } = work;
  const { outcomes, revocations } = await applyAccountCommands(database, sender, batch, allowedOnly, log);
  const publications = revocations.map(({ userId, revocation }) => revocationPublication(names, userId, revocation));
  reminders.addNotices(publications);
  return { outcomes, publications };
};

const appliers: Record<BatchName, Apply> = {
  'apply-room-commands': async ({ database, names, reminders, log }, sender, batch: Batch<RoomCommand>) => {
    const { outcomes, fresh, repeated } = await applyRoomCommands(database, sender, batch, log);
    reminders.addMessages([...repeated, ...fresh]);
    return { outcomes, publications: publicationsOf(fresh, repeated, names) };
  },
  'apply-account-commands': applyAccounts,
  'apply-role-changes': applyAccounts,
};
