import { setTimeout as wait } from 'node:timers/promises';
import { PASSWORD } from './scene.ts';

// node bench/logins.ts <url> <clients> <email> ...: each client logs in again and again, for a minute or until SIGTERM.

const [url, clients, ...emails] = process.argv.slice(2);
const started = performance.now();
const counts = new Map<number, number>();

process.once('SIGTERM', end);
setTimeout(end, 60_000);
for (let index = 0; index < Number(clients); index++) void logInAgainAndAgain(emails[index % emails.length] as string);

/** As a good client does: one that is told to wait waits. */
async function logInAgainAndAgain(email: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/api/users/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: PASSWORD }),
    });
    await response.arrayBuffer();
    counts.set(response.status, (counts.get(response.status) ?? 0) + 1);
    await wait(Number(response.headers.get('retry-after') ?? 0) * 1_000);
  }
}

function end(): void {
  const seconds = (performance.now() - started) / 1_000;
  const parts = [...counts].map(([status, count]) => `${(count / seconds).toFixed(0)} answered ${status}`);
  process.stdout.write(`${clients} clients, logins a second: ${parts.join(', ')}\n`);
  process.exit(0);
}
