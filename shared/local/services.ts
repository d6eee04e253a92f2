import type { Child } from './child.ts';
import { checkPostgres, startPostgres } from './embedded-postgres.ts';
import { checkRedis, startRedis } from './embedded-redis.ts';
import { makePrivateFolder, readSecrets } from './secrets.ts';

/** The Postgres and the Redis that Rooms uses on this machine. */
export interface Services {
  databaseUrl: string;
  redisUrl: string;
  /** The processes that {@link startServices} started, in the order of their start. */
  children: Child[];
}

export interface ServicesOptions {
  /** The folder for the data of the Postgres and the Redis that are started. */
  home: string;
  /** The folder for the redis-server, if it must be downloaded. */
  binaries: string;
  /** The URL of a Postgres that already runs. Without it, a Postgres is started. */
  databaseUrl?: string | undefined;
  /** The URL of a Redis that already runs. Without it, a Redis is started. */
  redisUrl?: string | undefined;
  print: (line: string) => void;
}

/** Starts Postgres and Redis, or checks those that already run. @throws ServiceError if one cannot be used */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const { home, binaries, databaseUrl, redisUrl, print } = options;
  const { servicePassword } = readSecrets(home);
  const children: Child[] = [];
  const start = async (name: string, starting: Promise<{ url: string; child: Child }>) => {
    print(`${name}: starting`);
    const { url, child } = await starting;
    children.push(child);
    return url;
  };
  await Promise.all([databaseUrl && checkPostgres(databaseUrl), redisUrl && checkRedis(redisUrl)]);
  try {
    return {
      databaseUrl:
        databaseUrl ?? (await start('postgres', startPostgres(makePrivateFolder(home, 'postgres'), servicePassword))),
      redisUrl:
        redisUrl ?? (await start('redis', startRedis(makePrivateFolder(home, 'redis'), binaries, servicePassword))),
      children,
    };
  } catch (error) {
    await stopChildren(children);
    throw error;
  }
}

/** Stops the processes one after another, the newest first. */
export async function stopChildren(children: Child[]): Promise<void> {
  for (const child of children.toReversed()) await child.stop();
}
