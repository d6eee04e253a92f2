import { setTimeout as wait } from 'node:timers/promises';
import { PASSWORD } from './accounts.ts';

// node bench/logins.ts <url> <clients> <email> ...
// Each client logs in again and again. On SIGTERM, this process prints its logins per second and ends.

const MAX_RUN_MS = 60_000;

const [url, clients, ...emails] = process.argv.slice(2);
const startedAt = performance.now();
const countByStatus = new Map<number, number>();

/** Waits after each answer for the time in `Retry-After`, as a client should do. */
async function logInRepeatedly(email: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/api/users/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: PASSWORD }),
    });
    await response.arrayBuffer();
    countByStatus.set(response.status, (countByStatus.get(response.status) ?? 0) + 1);
    await wait(Number(response.headers.get('retry-after') ?? 0) * 1_000);
  }
}

function reportAndExit(): void {
  const seconds = (performance.now() - startedAt) / 1_000;
  const rates = [...countByStatus].map(([status, count]) => `${(count / seconds).toFixed(0)} with status ${status}`);
  process.stdout.write(`${clients} clients, logins a second: ${rates.join(', ')}\n`);
  process.exit(0);
}

process.once('SIGTERM', reportAndExit);
setTimeout(reportAndExit, MAX_RUN_MS);
for (let index = 0; index < Number(clients); index++) void logInRepeatedly(emails[index % emails.length] as string);
