import assert from 'node:assert/strict';
import { on } from 'node:events';
import { after, test } from 'node:test';
import { type JobsOptions, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { channelNames } from '../shared/contract/channels.ts';
import { newId } from '../shared/contract/ids.ts';
import { OTP_JOB, QUEUES, type QueueName, Reply } from '../shared/contract/jobs.ts';
import { decodeVersioned, PAYLOAD_VERSION } from '../shared/contract/versions.ts';
import { createLog } from '../shared/log.ts';
import { Mailbox } from '../test/support/mailbox.ts';
import { openTestDatabase, testServices } from '../test/support/system.ts';
import { openWorkers, type Workers } from './workers.ts';

const { redisUrl } = testServices();
const { url: databaseUrl, database } = await openTestDatabase();
const mailbox = new Mailbox();
const smtpPort = await mailbox.open();
const log = createLog('test', 'silent');
const logged: string[] = [];
log.error = (...[, text]: unknown[]) => logged.push(String(text));

async function open(prefix: string, kinds: QueueName[]): Promise<Workers> {
  const config = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, REDIS_PREFIX: prefix, ALLOWED_USERS_ONLY: false };
  const mail = { SMTP_HOST: '127.0.0.1', SMTP_PORT: smtpPort, SENDER_NAME: 'Rooms', OTP_EXPIRY: 60_000 };
  const secret = { API_SECRET: newId(), EMAIL: undefined, EMAIL_PASSWORD: undefined };
  const quotas = { OWNED_ROOMS_PER_USER: 100, ROOMS_PER_USER: 1_000, EDITS_PER_MESSAGE: 100 };
  const workers = await openWorkers({ ...config, ...mail, ...secret, ...quotas }, kinds, log);
  after(() => workers.stop());
  return workers;
}

/** Sends jobs and receives replies, as a gateway does. */
class Sender {
  readonly id = newId();
  readonly prefix = `rooms-${newId()}`;
  readonly #redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  readonly #subscriber = new Redis(redisUrl);
  readonly #queues = new Map<QueueName, Queue>();
  #number = 0;

  constructor() {
    for (const name of QUEUES)
      this.#queues.set(name, new Queue(name, { connection: this.#redis, prefix: this.prefix }));
    after(async () => {
      await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
      this.#redis.disconnect();
      this.#subscriber.disconnect();
    });
  }

  /** A batch that makes one account. `changes` replaces some fields of the batch. */
  batch(changes: Record<string, unknown> = {}) {
    const id = newId();
    const person = { firstName: 'First', lastName: 'Last', email: `${id}@example.com`, proven: true };
    const deadline = new Date(Date.now() + 60_000).toISOString();
    const commands = [{ id, command: 'Register', ...person, passwordHash: 'x', deadline }];
    return { v: PAYLOAD_VERSION as number, gateway: this.id, lane: 0, number: ++this.#number, commands, ...changes };
  }

  add(queue: QueueName, name: string, data: unknown, options: JobsOptions = {}) {
    return this.#queues.get(queue)?.add(name, data, { attempts: 30, removeOnComplete: true, ...options });
  }

  /** Sends a batch that makes one account, and waits for the reply. @throws AssertionError if the command is refused */
  async sendGoodBatch(changes: Record<string, unknown> = {}): Promise<void> {
    const replies = on(this.#subscriber, 'message', { signal: AbortSignal.timeout(10_000) });
    await this.#subscriber.subscribe(channelNames(this.prefix).gateway(this.id));
    const batch = this.batch(changes);
    await this.add('persistence', 'apply-account-commands', batch);
    for await (const [, payload] of replies) {
      const { number, outcomes } = decodeVersioned(Reply, payload);
      if (number === batch.number) return assert.deepEqual(outcomes, [{ id: batch.commands[0]?.id }]);
    }
  }

  /** Counts the jobs of a queue that are not completed. */
  unfinishedJobs(queue: QueueName): Promise<number | undefined> {
    return Promise.resolve(this.#queues.get(queue)?.getJobCountByTypes('waiting', 'active', 'delayed', 'failed'));
  }
}

async function unreadableJobs({ metrics }: Workers): Promise<number> {
  const { values } = await metrics.unreadablePayloads.get();
  return values.find(({ labels }) => labels.kind === 'job')?.value ?? 0;
}

test('a batch job that cannot be read is counted, logged once and dropped, and the next batch is applied', async () => {
  const sender = new Sender();
  const workers = await open(sender.prefix, ['persistence']);
  logged.length = 0;
  const unreadable: [name: string, data: unknown][] = [
    ['apply-account-commands', 'garbage'],
    ['apply-account-commands', null],
    ['apply-account-commands', sender.batch({ commands: [] })],
    ['apply-account-commands', sender.batch({ lane: 'first' })],
    ['apply-account-commands', sender.batch({ v: PAYLOAD_VERSION + 1 })],
    ['apply-future-commands', sender.batch()],
    ['toString', sender.batch()],
  ];
  for (const [name, data] of unreadable) await sender.add('persistence', name, data);
  await sender.sendGoodBatch();
  while ((await sender.unfinishedJobs('persistence')) !== 0);
  assert.equal(await unreadableJobs(workers), unreadable.length);
  assert.deepEqual(logged, ['a payload cannot be read and is dropped; more of this kind are not logged']);
  const [users] = await database`select count(*) from users`;
  assert.equal(users?.count, 1);
});

test('a mail job that cannot be read is counted and dropped, and the next mail is sent', async () => {
  const sender = new Sender();
  const workers = await open(sender.prefix, ['otp-email']);
  const request = { v: PAYLOAD_VERSION, email: 'reader@example.com' };
  await sender.add('otp-email', OTP_JOB, { ...request, v: PAYLOAD_VERSION + 1 });
  await sender.add('otp-email', OTP_JOB, { ...request, email: 'nobody' });
  await sender.add('otp-email', 'mail-advertisement', request);
  await sender.add('otp-email', OTP_JOB, { ...request, colour: 'green' });
  await mailbox.takeOtp(request.email);
  while ((await sender.unfinishedJobs('otp-email')) !== 0);
  assert.deepEqual(mailbox.mails, []);
  assert.equal(await unreadableJobs(workers), 3);
});

test('a batch with an unknown field is applied, and the field is ignored', async () => {
  const sender = new Sender();
  const workers = await open(sender.prefix, ['persistence']);
  await sender.sendGoodBatch({ colour: 'green' });
  assert.equal(await unreadableJobs(workers), 0);
});

test('a job whose data is not JSON stops neither the worker nor the next jobs', async () => {
  const sender = new Sender();
  await open(sender.prefix, ['persistence']);
  const redis = new Redis(redisUrl);
  after(() => redis.disconnect());
  const job = await sender.add('persistence', 'apply-account-commands', sender.batch(), { delay: 100 });
  await redis.hset(`${sender.prefix}:persistence:${job?.id}`, 'data', '{');
  while ((await job?.getState()) === 'delayed');
  for (let batch = 0; batch < 20; batch++) await sender.sendGoodBatch();
});

test('two sets of workers can run in one process, and if one set stops, the other set still takes jobs', async () => {
  const [first, second] = [new Sender(), new Sender()];
  const [stopped, running] = await Promise.all([
    open(first.prefix, ['persistence']),
    open(second.prefix, ['persistence']),
  ]);
  await Promise.all([first.sendGoodBatch(), second.sendGoodBatch()]);
  await stopped.stop();
  await second.add('persistence', 'unknown', {});
  await second.sendGoodBatch();
  assert.deepEqual([await unreadableJobs(stopped), await unreadableJobs(running)], [0, 1]);
});
