import { setTimeout as wait } from 'node:timers/promises';
import type { Account } from '../accounts.ts';
import { callApi, inParallel } from '../call-api.ts';
import { createRooms } from '../fixture.ts';
import { type Figures, printFigures, type Result, startCpu } from '../measure.ts';
import { gatewayKb, kernelKb } from '../memory.ts';
import { type HeldSockets, SocketHolder } from '../socket-holder.ts';
import type { System } from '../with-cluster.ts';

const MEMBERS_PER_ROOM = 100;
/** A process has at most 20,000 file descriptors on the machine of the results. */
const MAX_SOCKETS_PER_GATEWAY = 15_000;
/** The first sockets make the gateway load its code, so they are not counted. */
const WARM_UP_SOCKETS = 200;
const MAX_DELIVERY_MS = 10_000;

interface IdleOptions {
  /** Default: 10,000. */
  sockets?: number | undefined;
  /** How long the processor time of the idle sockets is measured. Default: 10. */
  seconds?: number | undefined;
  /** How long the gateways may collect their garbage before their memory is read. Default: 5. */
  settleSeconds?: number;
}

/**
 * Sockets that only wait, each in three rooms: how much memory and processor time they need. At the end, one message is
 * sent in each room, and each socket must receive it once.
 */
export async function measureIdle(system: System, options: IdleOptions): Promise<Result> {
  const { sockets = 10_000, seconds = 10, settleSeconds = 5 } = options;
  const { print, cluster, readCpu, urls } = system;
  if (sockets / urls.length > MAX_SOCKETS_PER_GATEWAY)
    throw new Error(`use --gateways=${Math.ceil(sockets / MAX_SOCKETS_PER_GATEWAY)} for ${sockets} sockets`);
  const members = sockets + WARM_UP_SOCKETS * urls.length;
  print(`${members} accounts in rooms of ${MEMBERS_PER_ROOM} ...`);
  const { accounts, roomIds } = await createRooms(system, { members, rooms: Math.ceil(members / MEMBERS_PER_ROOM) });
  const warmUp = await openSockets(urls, accounts.slice(sockets), print);
  const [gatewayBefore, kernelBefore] = [await settle(cluster, settleSeconds), kernelKb()];
  const startedAt = performance.now();
  const holders = await openSockets(urls, accounts.slice(0, sockets), print);
  print(`  all sockets are open after ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
  const [gatewayAfter, kernelAfter] = [await settle(cluster, settleSeconds), kernelKb()];
  const measureCpu = startCpu(readCpu);
  await wait(seconds * 1_000);
  const { 'gateway CPU s/100k': idleCpu } = measureCpu(sockets);
  const figures: Figures = {
    sockets,
    'gateway KB/socket': (gatewayAfter - gatewayBefore) / sockets,
    'kernel KB/socket, both ends': (kernelAfter - kernelBefore) / sockets,
    'gateway MB before': gatewayBefore / 1_024,
    'gateway MB after': gatewayAfter / 1_024,
    'idle gateway cores/100k sockets': (idleCpu as number) / seconds,
  };
  printFigures(figures, print);
  const errors = await checkDelivery(system, accounts, roomIds, [...holders, ...warmUp]);
  await Promise.all([...holders, ...warmUp].map((holder) => holder.close()));
  return { errors, figures };
}

/** Every gateway gets the same number of sockets, and each has another process that holds them. */
function openSockets(urls: string[], accounts: Account[], print: (line: string) => void): Promise<SocketHolder[]> {
  print(`${accounts.length} sockets ...`);
  return inParallel(
    urls.length,
    (gateway) => {
      const tokens = accounts.filter((_, index) => index % urls.length === gateway).map(({ token }) => token);
      return SocketHolder.open(urls[gateway] as string, tokens);
    },
    urls.length,
  );
}

/** @returns the memory of the gateways in KB, after they had time to collect their garbage */
async function settle(cluster: System['cluster'], seconds: number): Promise<number> {
  await wait(seconds * 1_000);
  return gatewayKb(cluster);
}

async function checkDelivery(
  { url }: System,
  accounts: Account[],
  roomIds: string[],
  holders: SocketHolder[],
): Promise<string[]> {
  await inParallel(roomIds.length, (room) =>
    callApi(url, `POST /api/messages/${roomIds[room]}`, accounts[room]?.token, { text: 'Hello World!' }),
  );
  const endsAt = performance.now() + MAX_DELIVERY_MS;
  let counts = await countAll(holders);
  while (counts.withOneMessage < accounts.length && performance.now() < endsAt) {
    await wait(100);
    counts = await countAll(holders);
  }
  const { open, withOneMessage, messages } = counts;
  if (open === accounts.length && withOneMessage === open && messages === open) return [];
  return [`${accounts.length} sockets: ${open} open, ${withOneMessage} with one message, ${messages} messages`];
}

async function countAll(holders: SocketHolder[]): Promise<HeldSockets> {
  const all = await Promise.all(holders.map((holder) => holder.count()));
  const sum = (name: keyof HeldSockets) => all.reduce((total, counts) => total + counts[name], 0);
  return { open: sum('open'), withOneMessage: sum('withOneMessage'), messages: sum('messages') };
}
