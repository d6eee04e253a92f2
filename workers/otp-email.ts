import { randomInt } from 'node:crypto';
import { UnrecoverableError, type Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import * as v from 'valibot';
import { OTP_JOB, OtpRequest } from '../shared/contract/jobs.ts';
import { limits } from '../shared/contract/limits.ts';
import type { OtpSubject, otpNames } from '../shared/contract/otps.ts';
import type { Database } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import { withTimeout } from '../shared/timeout.ts';
import type { Mailer } from './mailer.ts';
import { isGivenUp, type QueueAccess, startWorker } from './queue-worker.ts';

/** Postgres cancels a statement earlier, so a longer silence is a lost connection. */
const QUERY_TIMEOUT_MS = 20_000;

export interface OtpContext {
  database: Database;
  /** A `producer` connection: while Redis is lost, a command fails immediately (shared/redis.ts). */
  redis: Redis;
  otps: ReturnType<typeof otpNames>;
  mailer: Mailer;
  /** `OTP_EXPIRY` in milliseconds. */
  expiryMs: number;
  /** `ALLOWED_USERS_ONLY` */
  allowListOnly: boolean;
  metrics: Metrics;
  log: Log;
}

/**
 * Starts a worker that mails one-time passwords. If a mail fails, the job is retried with a new one-time password. If
 * the mail server refuses the mail permanently (a reply from 500 to 599, RFC 5321), the job is not retried.
 * @param concurrency the number of mails at the same time
 */
export function startOtpEmail(access: QueueAccess, context: OtpContext, concurrency: number): Worker {
  const mailJob = (data: unknown) => {
    const request = v.parse(OtpRequest, data);
    return () => mailOtp(context, request);
  };
  const worker = startWorker('otp-email', access, { [OTP_JOB]: mailJob }, concurrency);
  worker.on('closed', () => context.mailer.close());
  worker.on('failed', (job) => context.metrics.otpMails.inc({ result: isGivenUp(job) ? 'given_up' : 'failed' }));
  return worker;
}

async function mailOtp(context: OtpContext, request: OtpRequest): Promise<void> {
  const { redis, otps, mailer, expiryMs, log } = context;
  const subject = await chooseSubject(context, request);
  if (!subject) return log.info('one-time password not mailed: this e-mail is not allowed to get one');
  const otp = String(randomInt(1_000_000)).padStart(6, '0');
  const key = otps.key(subject);
  const stored = await redis
    .multi()
    .hset(key, { hash: otps.hash(subject, otp), tries: limits.MAX_OTP_TRIES })
    .pexpire(key, expiryMs)
    .exec();
  for (const [error] of stored ?? []) if (error) throw error;
  await mailer.sendOtp(subject, otp, expiryMs).catch((error: { responseCode?: number; message: string }) => {
    throw (error.responseCode ?? 0) >= 500 ? new UnrecoverableError(error.message) : error;
  });
  context.metrics.otpMails.inc({ result: 'sent' });
  log.info({ purpose: subject.purpose }, 'one-time password mailed');
}

/** @returns undefined if this e-mail may not get a one-time password. The caller of the route does not learn that. */
async function chooseSubject(
  { database, allowListOnly }: OtpContext,
  { email, purpose: requested, userId }: OtpRequest,
): Promise<OtpSubject | undefined> {
  const [row] = await withTimeout(
    database<{ accountId: string | null; allowed: boolean }[]>`
      select (select id from users where lower(email) = lower(${email})) as account_id,
        exists (select from allowed_users where email = lower(${email})) as allowed`,
    QUERY_TIMEOUT_MS,
  );
  if (!row) throw new Error('postgres returned no row');
  if (allowListOnly && !row.allowed) return undefined;
  const purpose = requested ?? (row.accountId ? 'login' : 'register');
  const isPossible = {
    register: row.accountId === null,
    login: row.accountId !== null,
    update: row.accountId === null || row.accountId === userId,
  };
  return isPossible[purpose] ? { purpose, email, userId: purpose === 'update' ? userId : undefined } : undefined;
}
