import { setTimeout as wait } from 'node:timers/promises';
import { type Fault, NOTHING_TO_HEAL, pick, repeat } from './fault.ts';
import { sendSignal, signalTree } from './processes.ts';

const RESTART_AFTER_MS = 1_000;
const KILL_BACKENDS_EVERY_MS = 15;
const KILL_SUBSCRIBERS_EVERY_MS = 1_000;
const SWALLOWED_REPLIES = 20;

export const restartRedis =
  (isEmpty: boolean): Fault =>
  async ({ system }) => {
    sendSignal(system.redisServer.pid, 'SIGKILL');
    await wait(RESTART_AFTER_MS);
    await system.startRedisAgain(isEmpty);
    return NOTHING_TO_HEAL;
  };

export const pauseRedis: Fault = ({ system }) => {
  const { pid } = system.redisServer;
  sendSignal(pid, 'SIGSTOP');
  return () => sendSignal(pid, 'SIGCONT');
};

/** Redis refuses every write with an OOM error. */
export const fillRedis: Fault = async ({ system }) => {
  await system.redis.config('SET', 'maxmemory', '1');
  return async () => {
    await system.redis.config('SET', 'maxmemory', '0');
  };
};

export const killSubscribers: Fault = ({ system }) =>
  repeat(KILL_SUBSCRIBERS_EVERY_MS, () => system.redis.client('KILL', 'TYPE', 'PUBSUB'));

/** Postgres ends all its processes at once, as after a crash, and starts again. */
export const restartPostgres: Fault = async ({ system }) => {
  sendSignal(system.postgres.pid, 'SIGQUIT');
  await system.startPostgresAgain();
  return NOTHING_TO_HEAL;
};

export const killBackends: Fault = ({ system }) =>
  repeat(
    KILL_BACKENDS_EVERY_MS,
    () => system.database`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name in ('rooms-gateway', 'rooms-workers') and random() < 0.2`,
  );

/** The statement is committed, and then its connection is lost. */
export const swallowReplies: Fault = ({ system }) => {
  let left = SWALLOWED_REPLIES;
  const workers = system.linksOf('workers');
  for (const { postgres } of workers) {
    const batchLinks = new WeakSet<object>();
    postgres.onRequest = (bytes, link) => {
      if (/text \d/.test(bytes.toString('latin1'))) batchLinks.add(link);
      return bytes;
    };
    postgres.onReply = (bytes, link) => {
      if (left === 0 || !batchLinks.has(link)) return bytes;
      if (bytes.includes('Z\0\0\0\x05I')) {
        left--;
        link.end('rst');
      }
      return undefined;
    };
  }
  return () => {
    for (const { postgres } of workers) postgres.heal();
  };
};

export const pausePostgres: Fault = ({ system }) => {
  const { pid } = system.postgres;
  signalTree(pid, 'SIGSTOP');
  return () => signalTree(pid, 'SIGCONT');
};

/** As a server that becomes a replica: reads work, and every write is refused. */
export const makePostgresReadOnly: Fault = async ({ system }) => {
  const set = async (value: 'on' | 'off') => {
    await system.database.unsafe(`alter system set default_transaction_read_only = ${value}`);
    await system.database`select pg_reload_conf()`;
  };
  await set('on');
  return () => set('off');
};

/** Another session holds the row of one room. The statement first locks the row, and then sleeps. */
export const lockRoom: Fault = ({ system, roomIds, hitRoomIds, random }) => {
  const roomId = pick(roomIds, random);
  hitRoomIds.add(roomId);
  const holding = system.database`
    with locked as materialized (select id from rooms where id = ${roomId} for update)
    select pg_sleep(600) from locked`;
  const ended = holding.catch(() => undefined);
  return async () => {
    await system.database`
      select pg_cancel_backend(pid) from pg_stat_activity
      where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()`;
    await ended;
  };
};
