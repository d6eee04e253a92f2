import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { findErrors } from '../check.ts';
import { createFixture, type Fixture } from '../fixture.ts';
import { median } from '../latency.ts';
import { Ledger } from '../ledger.ts';
import { runOpenLoop } from '../load.ts';
import type { Result } from '../measure.ts';
import type { System } from '../with-cluster.ts';

const SIZE = { members: 200, rooms: 20 };
const MESSAGES_PER_SECOND = 500;
const LOGIN_CLIENTS = 200;
/** An odd number, so that one round in which the machine paused does not change the median much. */
const ROUNDS = 5;
const WARM_UP_SECONDS = 2;
const ROUND_SECONDS = 10;

interface Round {
  /** The p99 from send to delivery without logins. */
  aloneMs: number;
  /** The same p99 while many clients log in. */
  stormMs: number;
}

/**
 * Sends 500 messages a second, in turns without and with 200 clients that log in repeatedly, and measures the latency.
 */
export async function measureStorm(system: System): Promise<Result> {
  const ledger = new Ledger(ROUNDS * 2 * (WARM_UP_SECONDS + ROUND_SECONDS) * MESSAGES_PER_SECOND);
  const fixture = await createFixture(system, SIZE, ledger);
  const rounds: Round[] = [];
  for (let number = 1; number <= ROUNDS; number++) {
    const aloneMs = await measureP99(fixture, ledger);
    const stopLogins = startLogins(system.url, fixture);
    const stormMs = await measureP99(fixture, ledger);
    rounds.push({ aloneMs, stormMs });
    system.print(`  round ${number}: p99 ${compare({ aloneMs, stormMs })}; ${await stopLogins()}`);
  }
  const [aloneMs, stormMs] = [medianOf(rounds, 'aloneMs'), medianOf(rounds, 'stormMs')];
  system.print(`  send to delivery, median of the rounds' p99: ${compare({ aloneMs, stormMs })}`);
  system.print(`  ratio of the storm to alone: ${(stormMs / aloneMs).toFixed(2)}`);
  const figures = { 'p99 alone ms': aloneMs, 'p99 in the storm ms': stormMs };
  const errors = await findErrors(fixture, ledger, system.database);
  for (const member of fixture.members) member.close();
  return { errors, figures };
}

/** @returns the 99th percentile from send to delivery, in milliseconds, without the messages of the first two seconds */
async function measureP99(fixture: Fixture, ledger: Ledger): Promise<number> {
  await sendFor(WARM_UP_SECONDS, fixture, ledger);
  ledger.measureFromNow();
  await sendFor(ROUND_SECONDS, fixture, ledger);
  return ledger.deliveries.percentileMs(99);
}

async function sendFor(seconds: number, { members }: Fixture, ledger: Ledger): Promise<void> {
  const messages = MESSAGES_PER_SECOND * seconds;
  const expected = ledger.delivered + (messages * SIZE.members) / SIZE.rooms;
  await runOpenLoop(members, ledger, messages, MESSAGES_PER_SECOND);
  await ledger.waitForDeliveries(expected);
}

/**
 * Starts the logins in another process, so that they do not slow the process that measures.
 * @returns a function that stops them and returns their report
 */
function startLogins(url: string, { accounts }: Fixture): () => Promise<string> {
  const args = [
    join(import.meta.dirname, '../logins.ts'),
    url,
    `${LOGIN_CLIENTS}`,
    ...accounts.map(({ email }) => email),
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const report = text(child.stdout);
  return async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    return (await report).trim();
  };
}

function compare({ aloneMs, stormMs }: Round): string {
  return `${aloneMs.toFixed(1)} ms alone, ${stormMs.toFixed(1)} ms in the storm`;
}

function medianOf(rounds: Round[], name: keyof Round): number {
  return median(rounds.map((round) => round[name]));
}
