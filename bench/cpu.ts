import { readdirSync, readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import type { Database } from '../shared/database.ts';
import type { Cluster } from '../shared/local/cluster.ts';

/** The unit of /proc/<pid>/stat on Linux. */
const TICKS_PER_SECOND = 100;
export const KINDS = ['gateway', 'worker', 'postgres', 'redis'] as const;

/** Processor seconds since the start of each kind of process. */
export interface CpuSeconds extends Record<(typeof KINDS)[number], number> {
  /** The process that sends the load. */
  client: number;
  /** All processes of the machine. */
  machine: number;
}

interface ProcessStat {
  parent: number;
  /** With the time of its children that have ended. */
  ticks: number;
}

/** @returns a function that reads the processor seconds. Postgres and Redis must run on this machine, otherwise they count 0. */
export async function createCpuReader(
  cluster: Pick<Cluster, 'gateways' | 'workers'>,
  database: Database,
  redisUrl: string,
): Promise<() => CpuSeconds> {
  const [row] = await database<{ pid: number }[]>`select pg_backend_pid() as pid`;
  const postgres = readStats().get(row?.pid as number)?.parent ?? 0;
  const redis = await pidOfRedis(redisUrl);
  return () => {
    const stats = readStats();
    const children = Map.groupBy(stats.keys(), (pid) => stats.get(pid)?.parent as number);
    const secondsOf = (pid: number): number => {
      const ticks = stats.get(pid)?.ticks ?? 0;
      return (children.get(pid) ?? []).reduce((sum, child) => sum + secondsOf(child), ticks / TICKS_PER_SECOND);
    };
    const sum = (processes: { pid: number }[]) => processes.reduce((total, { pid }) => total + secondsOf(pid), 0);
    const { user, system } = process.cpuUsage();
    return {
      gateway: sum(cluster.gateways),
      worker: sum(cluster.workers),
      postgres: secondsOf(postgres),
      redis: secondsOf(redis),
      client: (user + system) / 1e6,
      machine: readMachine(),
    };
  };
}

async function pidOfRedis(url: string): Promise<number> {
  const redis = new Redis(url);
  try {
    return Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1]);
  } finally {
    redis.disconnect();
  }
}

function readStats(): Map<number, ProcessStat> {
  const stats = new Map<number, ProcessStat>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = readText(`/proc/${name}/stat`);
    // The name of the program is in brackets and may contain spaces.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    if (fields.length < 15) continue;
    const ticks = fields.slice(11, 15).reduce((sum, value) => sum + value, 0);
    stats.set(Number(name), { parent: fields[1] as number, ticks });
  }
  return stats;
}

function readMachine(): number {
  const [user, nice, system, , , irq, softIrq] = readText('/proc/stat').split(/\s+/).slice(1).map(Number) as number[];
  return [user, nice, system, irq, softIrq].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0) / TICKS_PER_SECOND;
}

/** @returns an empty text if the process has ended */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
