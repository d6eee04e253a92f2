import { setTimeout as wait } from 'node:timers/promises';
import type { Child } from '../../shared/local/child.ts';
import type { ProcessLinks } from '../../shared/local/cluster.ts';
import type { ChatUser } from '../proof/chat-user.ts';
import { type Fault, NOTHING_TO_HEAL, pick } from './fault.ts';
import type { FaultSystem } from './fault-system.ts';
import { sendSignal } from './processes.ts';

const NEXT_WORKER_AFTER_MS = 500;
const POISON = 'poison';
/** A new worker needs longer to start. */
const WATCH_EVERY_MS = 20;

/** A batch has the texts of its messages, and the traffic writes texts of this form. */
const BATCH = /text \d/;
/** How Postgres ends its answer: it waits for the next statement, and no transaction is open. */
const READY_FOR_QUERY = Buffer.from('Z\0\0\0\x05I', 'latin1');

type Moment = 'before the commit' | 'after the commit';

/** Calls `act` when a worker sends its next batch, or when Postgres has answered it. Then the link passes no more. */
function atNextBatch({ postgres }: ProcessLinks, moment: Moment, act: () => void): void {
  const batchLinks = new WeakSet<object>();
  let isDone = false;
  const finish = () => {
    isDone = true;
    act();
    return undefined;
  };
  postgres.onRequest = (bytes, link) => {
    if (isDone || !BATCH.test(bytes.toString('latin1'))) return bytes;
    batchLinks.add(link);
    return moment === 'before the commit' ? finish() : bytes;
  };
  postgres.onReply = (bytes, link) => {
    if (isDone || !batchLinks.has(link)) return bytes;
    return bytes.includes(READY_FOR_QUERY) ? finish() : undefined;
  };
}

export const killWorker =
  (moment: Moment): Fault =>
  async ({ system, random }) => {
    const links = pick(system.linksOf('workers'), random);
    atNextBatch(links, moment, () => sendSignal(links.process.pid, 'SIGKILL'));
    await links.process.ended;
    await wait(NEXT_WORKER_AFTER_MS);
    await system.cluster.startWorker();
    return NOTHING_TO_HEAL;
  };

/** The worker has sent a batch and reads no answer. */
export const pauseWorkerWithBatch: Fault = async ({ system, random }) => {
  const links = pick(system.linksOf('workers'), random);
  const paused = Promise.withResolvers<void>();
  atNextBatch(links, 'after the commit', () => {
    sendSignal(links.process.pid, 'SIGSTOP');
    paused.resolve();
  });
  await paused.promise;
  links.postgres.heal();
  return () => sendSignal(links.process.pid, 'SIGCONT');
};

export const stopAllWorkers: Fault = async ({ system }) => {
  const workers = system.linksOf('workers').map(({ process }) => process);
  await Promise.all(workers.map((worker) => worker.stop()));
  return async () => {
    for (const _ of workers) await system.cluster.startWorker();
  };
};

export const killGateway: Fault = async ({ system, random }) => {
  const gateway = pick(system.linksOf('gateway'), random);
  sendSignal(gateway.process.pid, 'SIGKILL');
  await gateway.process.ended;
  return async () => {
    await system.cluster.startGateway(gateway.clients?.port);
  };
};

/** Redis cuts a subscriber that does not read, as soon as 200 KB wait for it. */
export const pauseGateway: Fault = async ({ system, random }) => {
  await system.redis.config('SET', 'client-output-buffer-limit', 'pubsub 200kb 100kb 5');
  const { pid } = pick(system.linksOf('gateway'), random).process;
  sendSignal(pid, 'SIGSTOP');
  return () => sendSignal(pid, 'SIGCONT');
};

/** A worker dies after the commit, and in the same moment the gateway that sent the batch: nobody sends it again. */
export const killWorkerAndGateway: Fault = async (target) => {
  const { system, random } = target;
  const gateway = pick(system.linksOf('gateway'), random);
  const workers = system.linksOf('workers');
  const killed = Promise.withResolvers<Child>();
  for (const links of workers)
    atNextBatch(links, 'after the commit', () => {
      sendSignal(links.process.pid, 'SIGKILL');
      sendSignal(gateway.process.pid, 'SIGKILL');
      killed.resolve(links.process);
    });
  await killed.promise;
  for (const { postgres } of workers) postgres.heal();
  await gateway.process.ended;
  await system.cluster.startWorker();
  await system.cluster.startGateway(gateway.clients?.port);
  return NOTHING_TO_HEAL;
};

/** Stops each process with SIGTERM and starts the next one, as a deployment does. Twice. */
export const restartAll: Fault = async ({ system }) => {
  for (let round = 0; round < 2; round++) {
    for (const { process } of system.linksOf('workers')) {
      await startReadyWorker(system);
      await process.stop();
    }
    for (const { process, clients } of system.linksOf('gateway')) {
      await process.stop();
      await system.cluster.startGateway(clients?.port);
    }
  }
  return NOTHING_TO_HEAL;
};

async function startReadyWorker({ cluster }: FaultSystem): Promise<void> {
  const worker = await cluster.startWorker();
  while (!cluster.logOf(worker).includes('workers ready')) await wait(WATCH_EVERY_MS);
}

/** A supervisor starts a new worker for each that the command kills. */
export const sendPoison: Fault = ({ system, participants, roomIds, hitRoomIds, measured }) => {
  const [sender, roomId] = [participants[0] as ChatUser, roomIds[0] as string];
  const watched = new Set<ProcessLinks>();
  measured.deaths = 0;
  const kill = async (links: ProcessLinks) => {
    sendSignal(links.process.pid, 'SIGKILL');
    measured.deaths = (measured.deaths ?? 0) + 1;
    await system.cluster.startWorker();
  };
  const watch = () => {
    for (const links of system.linksOf('workers')) {
      if (watched.has(links)) continue;
      watched.add(links);
      links.postgres.onRequest = (bytes) => {
        if (!bytes.includes(POISON)) return bytes;
        links.postgres.onRequest = undefined;
        void kill(links);
        return undefined;
      };
    }
  };
  watch();
  const timer = setInterval(watch, WATCH_EVERY_MS);
  hitRoomIds.add(roomId);
  sender.send({ command: 'CreateMessage', roomId, targetId: roomId, text: POISON });
  return () => {
    clearInterval(timer);
    for (const { postgres } of watched) postgres.heal();
  };
};
