import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connectDatabase } from '../shared/database.ts';
import { Cluster } from '../shared/local/cluster.ts';
import { migrate } from '../sql/migrate.ts';
import { check } from './check.ts';
import { Ledger } from './ledger.ts';
import type { Member } from './member.ts';
import { makeScene } from './scene.ts';
import { summary } from './stats.ts';

const SOCKETS = 200;
const ROOMS = 20;
const MESSAGES = 20_000;
const TEXT = 'Hello World! '.repeat(8).trim();

export interface SmokeOptions {
  databaseUrl: string;
  redisUrl: string;
  /** Messages a second that are offered, whatever becomes of them; without it the loop is closed. */
  rate?: number | undefined;
  /** In the closed loop: messages that each socket has in flight. */
  window?: number | undefined;
  messages?: number | undefined;
  /** Ends one of the two workers with SIGKILL in the middle of the run. */
  killWorker?: boolean | undefined;
  say: (text: string) => void;
}

/**
 * Two gateways on one port, two workers, 200 sockets in 20 rooms, 20,000 messages: measured, then checked.
 * @returns what is wrong; nothing, if all is well
 */
export async function smoke({
  databaseUrl,
  redisUrl,
  rate,
  killWorker,
  say,
  ...options
}: SmokeOptions): Promise<string[]> {
  const { messages = MESSAGES, window = 5 } = options;
  const home = mkdtempSync(join(tmpdir(), 'rooms-smoke-'));
  await migrate(databaseUrl);
  const cluster = await Cluster.start({ databaseUrl, redisUrl, logs: home, gateways: 2, workers: 2, onePort: true });
  const database = connectDatabase(databaseUrl, { name: 'rooms-smoke', max: 2, readOnly: true, timeout: 0 });
  try {
    const ledger = new Ledger();
    say(`${SOCKETS} accounts, ${ROOMS} rooms, ${SOCKETS} sockets ...`);
    const scene = await makeScene(cluster.urls[0] as string, SOCKETS, ROOMS, ledger.ears);
    say(
      `${messages} messages ${rate ? `at ${rate} a second` : `in a closed loop, ${window} in flight a socket`}${killWorker ? ', a worker dies' : ''} ...`,
    );
    const middle = setInterval(() => {
      if (!killWorker || ledger.acks.size < messages / 2) return;
      clearInterval(middle);
      process.kill(cluster.workers[0]?.pid as number, 'SIGKILL');
    }, 5);
    const started = performance.now();
    if (rate) await openLoop(scene.members, ledger, messages, rate);
    else await closedLoop(scene.members, ledger, messages, window);
    const ackedAfter = (performance.now() - started) / 1_000;
    await ledger.delivered((messages * SOCKETS) / ROOMS);
    const deliveredAfter = (performance.now() - started) / 1_000;
    clearInterval(middle);
    say(`  ${Math.round(ledger.acks.size / ackedAfter)} acked messages/s`);
    say(`  ${Math.round(ledger.deliveries / deliveredAfter)} deliveries/s`);
    say(`  send to ack       ${summary(ledger.ackTimes)}`);
    say(`  send to delivery  ${summary(ledger.deliveryTimes)}`);
    return await check(scene, ledger, messages, database);
  } finally {
    await cluster.stop();
    await database.end();
    rmSync(home, { recursive: true });
  }
}

/** Every socket has so many messages in flight: as soon as one is acked it sends the next. */
async function closedLoop(members: Member[], ledger: Ledger, messages: number, window: number): Promise<void> {
  let left = messages;
  const flight = async (member: Member) => {
    while (left-- > 0) await send(member, ledger);
  };
  await Promise.all(members.flatMap((member) => Array.from({ length: window }, () => flight(member))));
}

/** Sends so many messages a second, whether or not the last ones are acked. */
export async function openLoop(members: Member[], ledger: Ledger, messages: number, rate: number): Promise<void> {
  const acks: Promise<unknown>[] = [];
  const started = performance.now();
  while (acks.length < messages) {
    const due = Math.min(messages, Math.ceil(((performance.now() - started) / 1_000) * rate));
    while (acks.length < due) acks.push(send(members[acks.length % members.length] as Member, ledger));
    await wait(1);
  }
  await Promise.all(acks);
}

/** As a client would: no answer in five seconds, the same again with the same ref. */
async function send(member: Member, ledger: Ledger): Promise<void> {
  const { ref, acked } = ledger.enter();
  member.say(TEXT, ref);
  const again = setInterval(() => member.say(TEXT, ref), 5_000);
  await acked;
  clearInterval(again);
}
