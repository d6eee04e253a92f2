import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import type { Child } from '../shared/local/child.ts';
import type { Cluster } from '../shared/local/cluster.ts';
import { isPortTaken } from '../shared/local/ports.ts';
import { call } from './support/client.ts';
import { Mailbox } from './support/mailbox.ts';
import { startSystem } from './support/system.ts';

const [smtpPort, metricsPort] = [await quietPort(), await quietPort()];
const { cluster } = await startSystem({ gateways: 1, workers: 0, smtpPort });
const worker = cluster.startWorker([], { METRICS_PORT: `${metricsPort}` });
const [url] = cluster.urls as [string];

/** A port that nobody takes by chance before it is used: below those that the kernel gives out. */
async function quietPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (!(await isPortTaken(port, '127.0.0.1'))) return port;
  }
}

const sendOtp = (email: string) => call(url, 'POST /api/users/send-otp', { body: { email } });

const metrics = async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();

/** Mails so far, by what became of them. */
async function mails(result: string): Promise<number> {
  const text = await metrics().catch(() => ''); // the worker may still be starting
  return Number(new RegExp(`^rooms_otp_mails_total\\{result="${result}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

async function becomes(result: string, count: number): Promise<void> {
  const until = Date.now() + 20_000;
  while ((await mails(result)) < count) assert.ok(Date.now() < until, `not ${count} ${result} in 20 seconds`);
}

/** Waits for what a worker logs. */
async function logs(processes: Cluster, child: Child, pattern: RegExp): Promise<void> {
  const until = Date.now() + 10_000;
  while (!pattern.test(processes.logOf(child))) {
    assert.ok(Date.now() < until, processes.logOf(child));
    await tick();
  }
}

test('while the mail server is down nobody waits for it; it is tried again, and logs and metrics show it', async () => {
  assert.equal((await sendOtp('patient@example.com')).status, 200);
  await becomes('failed', 2);
  assert.equal(await mails('sent'), 0);
  await logs(cluster, worker, /"level":40.*ECONNREFUSED.*job failed, retrying/);
  const mailbox = new Mailbox();
  await mailbox.open({ port: smtpPort, refuses: (to) => to === 'nobody@example.com' });
  const otp = await mailbox.code('patient@example.com');
  const person = { firstName: 'First', lastName: 'Last', phone: '123456789', password: 'password' };
  const body = { ...person, email: 'patient@example.com', otp };
  assert.equal((await call(url, 'POST /api/users/register-otp', { body })).status, 201);
  await becomes('sent', 1);

  // What it will not take is not offered again.
  assert.equal((await sendOtp('nobody@example.com')).status, 200);
  await becomes('given_up', 1);
  await logs(cluster, worker, /"level":50.*no such mailbox.*job given up/);
});

test('a mail server that takes the call and says nothing holds up nobody who asks', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  after(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const system = await startSystem({ gateways: 1, workers: 1, smtpPort: port });
  const [here] = system.cluster.urls as [string];
  const called = once(silent, 'connection');
  const answer = await call(here, 'POST /api/users/send-otp', { body: { email: 'patient@example.com' } });
  assert.equal(answer.status, 200);
  const [socket] = await called;
  assert.equal((await call(here, 'GET /readyz')).status, 200);
  socket.destroy();
});

test('a password is never told to a mail server that has no TLS', async () => {
  const told: string[] = [];
  const plain = createServer((socket) => {
    socket.write('220 plain ESMTP\r\n');
    socket
      .on('error', () => undefined)
      .on('data', (bytes) => {
        told.push(bytes.toString());
        socket.write(/^EHLO/.test(bytes.toString()) ? '250-plain\r\n250 AUTH PLAIN LOGIN\r\n' : '502 no\r\n');
      });
  }).listen(0, '127.0.0.1');
  await once(plain, 'listening');
  after(() => plain.close());
  const { port } = plain.address() as AddressInfo;
  const env = { EMAIL: 'rooms@example.com', EMAIL_PASSWORD: 'password of the mail server' };
  const system = await startSystem({ gateways: 1, workers: 1, smtpPort: port, env });
  await call(system.cluster.urls[0] as string, 'POST /api/users/send-otp', { body: { email: 'somebody@example.com' } });
  const until = Date.now() + 10_000;
  while (!/"level":40/.test(system.cluster.logOf(system.cluster.workers[0] as Child)) && Date.now() < until)
    await tick();
  assert.deepEqual(told.map((line) => line.slice(0, 4)).slice(0, 2), ['EHLO', 'STAR']);
  assert.doesNotMatch(told.join(), /AUTH/);
});

test('neither the log of a worker nor what it shows of itself holds a code or an address', async () => {
  assert.doesNotMatch(cluster.logOf(worker) + (await metrics()), /patient@|nobody@/);
  assert.equal((await fetch(`http://127.0.0.1:${metricsPort}/`)).status, 404);
});
