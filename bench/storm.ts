import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { findErrors } from './check.ts';
import { createFixture, type Fixture } from './fixture.ts';
import { Ledger } from './ledger.ts';
import { runOpenLoop } from './load.ts';
import { percentile } from './stats.ts';
import { type BenchOptions, withCluster } from './with-cluster.ts';

const SIZE = { members: 200, rooms: 20 };
const MESSAGES_PER_SECOND = 500;
const LOGIN_CLIENTS = 200;
/** An odd number, so that the median ignores one round in which the machine itself stalled. */
const ROUNDS = 5;
const WARM_UP_SECONDS = 2;
const ROUND_SECONDS = 10;

interface Round {
  aloneMs: number;
  stormMs: number;
}

/**
 * Measures 500 messages a second, in turns without and with 200 clients that log in repeatedly.
 * @returns one line for each error that it finds
 */
export async function storm(options: BenchOptions): Promise<string[]> {
  return withCluster(options, { gateways: 2, workers: 2 }, async (url, _cluster, database) => {
    const ledger = new Ledger();
    const fixture = await createFixture(url, SIZE, ledger.events);
    const rounds: Round[] = [];
    for (let number = 1; number <= ROUNDS; number++) {
      const aloneMs = await measureP99(fixture, ledger);
      const stopLogins = startLogins(url, fixture);
      const stormMs = await measureP99(fixture, ledger);
      rounds.push({ aloneMs, stormMs });
      options.print(`  round ${number}: p99 ${compare({ aloneMs, stormMs })}; ${await stopLogins()}`);
    }
    const [aloneMs, stormMs] = [medianOf(rounds, 'aloneMs'), medianOf(rounds, 'stormMs')];
    options.print(`  send to delivery, median of the rounds' p99: ${compare({ aloneMs, stormMs })}`);
    options.print(`  ratio under the storm to alone: ${(stormMs / aloneMs).toFixed(2)}`);
    return findErrors(fixture, ledger, database);
  });
}

/** @returns the 99th percentile from send to delivery, in milliseconds. The first two seconds do not count. */
async function measureP99(fixture: Fixture, ledger: Ledger): Promise<number> {
  await sendFor(WARM_UP_SECONDS, fixture, ledger);
  const first = ledger.deliveryTimesMs.length;
  await sendFor(ROUND_SECONDS, fixture, ledger);
  return percentile(ledger.deliveryTimesMs.slice(first), 99);
}

async function sendFor(seconds: number, { members }: Fixture, ledger: Ledger): Promise<void> {
  const messages = MESSAGES_PER_SECOND * seconds;
  const expected = ledger.deliveries + (messages * SIZE.members) / SIZE.rooms;
  await runOpenLoop(members, ledger, messages, MESSAGES_PER_SECOND);
  await ledger.waitForDeliveries(expected);
}

/** Uses a process of its own, so that the logins take no time from the measuring process. @returns how to stop it */
function startLogins(url: string, { emails }: Fixture): () => Promise<string> {
  const args = [join(import.meta.dirname, 'logins.ts'), url, `${LOGIN_CLIENTS}`, ...emails];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const report = text(child.stdout);
  return async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    return (await report).trim();
  };
}

function compare({ aloneMs, stormMs }: Round): string {
  return `${aloneMs.toFixed(1)} ms alone, ${stormMs.toFixed(1)} ms under the storm`;
}

function medianOf(rounds: Round[], name: keyof Round): number {
  const values = rounds.map((round) => round[name]);
  return percentile(values, 50);
}
