import { randomInt } from 'node:crypto';
import { type Job, UnrecoverableError, type Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { OtpRequest } from '../shared/contract/jobs.ts';
import { limits } from '../shared/contract/limits.ts';
import type { OtpSubject, otpNames } from '../shared/contract/otps.ts';
import type { Database } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import { withTimeout } from '../shared/timeout.ts';
import type { Mailer } from './mailer.ts';
import { type QueueAccess, startWorker } from './queue-worker.ts';

/** Mails at the same time; each waits for the mail server most of its time. */
const CONCURRENCY = 8;
const MOST_PATIENCE = 20_000;

export interface OtpWork {
  database: Database;
  redis: Redis;
  otps: ReturnType<typeof otpNames>;
  mailer: Mailer;
  /** `OTP_EXPIRY`, milliseconds. */
  expiry: number;
  /** `ALLOWED_USERS_ONLY` */
  allowedOnly: boolean;
  metrics: Metrics;
  log: Log;
}

/**
 * Mails one-time passwords. A mail that fails is tried again, with a new code, as the job's options say; one that the
 * mail server does not want (RFC 5321, 5yz) is given up.
 */
export function startOtpEmail(access: QueueAccess, work: OtpWork): Worker {
  const worker = startWorker('otp-email', access, CONCURRENCY, ({ data }: Job<OtpRequest>) => mailOtp(work, data));
  worker.on('closed', () => work.mailer.close());
  worker.on('failed', (job, error) => {
    const last = job?.finishedOn !== undefined;
    work.metrics.otpMails.inc({ result: last ? 'given_up' : 'failed' });
    if (last) work.log.error({ error, job: job?.id }, 'a one-time password could not be mailed, it is given up');
  });
  return worker;
}

async function mailOtp(work: OtpWork, request: OtpRequest): Promise<void> {
  const { redis, otps, mailer, expiry, log } = work;
  const subject = await subjectOf(work, request);
  if (!subject) return log.info('a one-time password was asked for an e-mail that gets none');
  const code = String(randomInt(1_000_000)).padStart(6, '0');
  const key = otps.key(subject);
  const stored = await redis
    .multi()
    .hset(key, { hash: otps.hash(subject, code), tries: limits.MAX_OTP_TRIES })
    .pexpire(key, expiry)
    .exec();
  for (const [error] of stored ?? []) if (error) throw error;
  await mailer.sendOtp(subject, code, expiry).catch((error: { responseCode?: number; message: string }) => {
    throw (error.responseCode ?? 0) >= 500 ? new UnrecoverableError(error.message) : error;
  });
  work.metrics.otpMails.inc({ result: 'sent' });
  log.info({ purpose: subject.purpose }, 'a one-time password was mailed');
}

/** @returns undefined for who gets no code; the one who asked is not told */
async function subjectOf(
  { database, allowedOnly }: OtpWork,
  { email, purpose: asked, userId }: OtpRequest,
): Promise<OtpSubject | undefined> {
  const [row] = await withTimeout(
    database<{ accountId: string | null; allowed: boolean }[]>`
      select (select id from users where lower(email) = lower(${email})) as account_id,
        exists (select from allowed_users where email = lower(${email})) as allowed`,
    MOST_PATIENCE,
  );
  if (!row) throw new Error('postgres did not answer'); // the driver says so of some lost connections
  if (allowedOnly && !row.allowed) return undefined;
  const purpose = asked ?? (row.accountId ? 'login' : 'register');
  const fits = {
    register: row.accountId === null,
    login: row.accountId !== null,
    update: row.accountId === null || row.accountId === userId,
  };
  return fits[purpose] ? { purpose, email, userId: purpose === 'update' ? userId : undefined } : undefined;
}
