import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { after, test } from 'node:test';
import type { Child } from '../shared/local/child.ts';
import type { Cluster } from '../shared/local/cluster.ts';
import { isPortTaken } from '../shared/local/ports.ts';
import { call } from './support/client.ts';
import { Mailbox } from './support/mailbox.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

const [smtpPort, metricsPort] = [await findUnusedPort(), await findUnusedPort()];
const { cluster } = await startSystem({ gateways: 1, workers: 0, smtpPort });
const worker = await cluster.startWorker([], { METRICS_PORT: `${metricsPort}` });
const [url] = cluster.urls as [string];

/** Finds a free port. The kernel assigns only higher ports, so no other process gets this port before its use. */
async function findUnusedPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (!(await isPortTaken(port, '127.0.0.1'))) return port;
  }
}

const sendOtp = (email: string, gateway = url) => call(gateway, 'POST /api/users/send-otp', { body: { email } });

const readMetrics = async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();

/** Returns the number of mails with this result, or 0 while the worker starts. */
async function countMails(result: string): Promise<number> {
  const metrics = await readMetrics().catch(() => '');
  return Number(new RegExp(`^rooms_otp_mails_total\\{result="${result}"\\} (\\d+)$`, 'm').exec(metrics)?.[1] ?? 0);
}

async function waitForMails(result: string, count: number): Promise<void> {
  await until(
    async () => (await countMails(result)) >= count,
    20_000,
    () => `fewer than ${count} ${result}`,
  );
}

async function waitForLog({ cluster, child }: { cluster: Cluster; child: Child }, pattern: RegExp): Promise<void> {
  await until(
    () => pattern.test(cluster.logOf(child)),
    10_000,
    () => cluster.logOf(child),
  );
}

/** Starts a server on a free port. It closes at the end of the test file. @returns the port */
async function listen(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('a one-time password that was requested while the mail server was down is mailed later', async () => {
  assert.equal((await sendOtp('waiting@example.com')).status, 200);
  await waitForMails('failed', 2);
  assert.equal(await countMails('sent'), 0);
  await waitForLog({ cluster, child: worker }, /"level":40.*ECONNREFUSED.*job failed, retrying/);
  const mailbox = new Mailbox();
  await mailbox.open({ port: smtpPort });
  const otp = await mailbox.takeOtp('waiting@example.com');
  const person = { firstName: 'First', lastName: 'Last', phone: '123456789', password: 'password' };
  const body = { ...person, email: 'waiting@example.com', otp };
  assert.equal((await call(url, 'POST /api/users/register-otp', { body })).status, 201);
  await waitForMails('sent', 1);
});

test('a mail that the mail server refuses is not sent again', async () => {
  await new Mailbox().open({ port: smtpPort, refuses: (to) => to === 'nobody@example.com' });
  assert.equal((await sendOtp('nobody@example.com')).status, 200);
  await waitForMails('given_up', 1);
  await waitForLog({ cluster, child: worker }, /"level":50.*no such mailbox.*job given up/);
});

test('a mail server that accepts a connection and sends nothing delays no answer of a gateway', async () => {
  const silent = createServer();
  const system = await startSystem({ gateways: 1, workers: 1, smtpPort: await listen(silent) });
  const [gateway] = system.cluster.urls as [string];
  const connection = once(silent, 'connection');
  assert.equal((await sendOtp('waiting@example.com', gateway)).status, 200);
  const [socket] = await connection;
  assert.equal((await call(gateway, 'GET /readyz')).status, 200);
  socket.destroy();
});

test('the log and the metrics of a worker contain no e-mail address', async () => {
  assert.doesNotMatch(cluster.logOf(worker) + (await readMetrics()), /waiting@|nobody@/);
  assert.equal((await fetch(`http://127.0.0.1:${metricsPort}/`)).status, 404);
});
