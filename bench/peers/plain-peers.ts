import { connectDatabase } from '../../shared/database.ts';
import { freePort } from '../../shared/local/ports.ts';
import { type Peer, type RunningPeer, type Setup, stopAll } from './peer.ts';
import { echoDialect, plainDialect } from './plain-dialect.ts';
import { startProgram, waitUntilListening } from './programs.ts';
import { createMessageTable } from './servers/store-message.ts';

export const ws: Peer = {
  name: 'ws',
  title: 'ws + Redis pub/sub',
  start: (setup) => startPlain('ws', setup, [setup.redisUrl]),
};

export const uwsEcho: Peer = {
  name: 'uws-echo',
  title: 'bare uWS, echo',
  start: async (setup) => ({
    ...(await startPlain('uws-echo', setup)),
    dialect: echoDialect(setup),
    receivers: 1,
  }),
};

export const uwsPublish: Peer = {
  name: 'uws-publish',
  title: 'bare uWS, publish',
  start: (setup) => startPlain('uws-publish', setup),
};

export const bullmq: Peer = {
  name: 'bullmq',
  title: 'BullMQ, one job per message',
  start: async (setup) => {
    await createTable(setup.databaseUrl);
    const worker = startProgram(setup.logs, 'bullmq-worker', [setup.redisUrl, setup.databaseUrl]);
    const running = await startPlain('bullmq-gateway', setup, [setup.redisUrl]);
    const children = [...running.children, worker];
    return { ...running, children, stop: () => stopAll(children) };
  },
};

/** Starts a server whose clients use the plain dialect. */
async function startPlain(program: string, setup: Setup, args: string[] = []): Promise<RunningPeer> {
  const port = await freePort();
  const server = startProgram(setup.logs, program, [`${port}`, ...args]);
  await waitUntilListening(server, port, setup.logs);
  return {
    urls: [`http://127.0.0.1:${port}`],
    dialect: plainDialect(setup),
    children: [server],
    receivers: setup.members / setup.rooms,
    stop: () => server.stop(),
  };
}

/** Creates an empty table for the messages of a peer. */
export async function createTable(databaseUrl: string): Promise<void> {
  const database = connectDatabase(databaseUrl, { name: 'bench-peers', max: 1, readOnly: false, timeout: 0 });
  await createMessageTable(database);
  await database.end();
}
