import { lookup } from 'node:dns/promises';
import { isDev } from '../config.ts';

/** The hosts of the containers of docker-compose.yml. The original has the same. */
const CONTAINERS = { DATABASE_URL: 'postgres', REDIS_URL: 'redis' } as const;

type Settings = { [name in keyof typeof CONTAINERS | 'ENVIRONMENT']?: string | undefined };

/**
 * True if `npm start` must ignore this variable and use its own service. The `.env` of the original names containers,
 * and these names have an IP address only inside docker compose. In production, no variable is ignored.
 */
export async function isOnlyForCompose(name: keyof typeof CONTAINERS, settings: Settings): Promise<boolean> {
  const { [name]: url, ENVIRONMENT } = settings;
  if (!url || !isDev(ENVIRONMENT) || !URL.canParse(url)) return false;
  if (new URL(url).hostname !== CONTAINERS[name]) return false;
  try {
    await lookup(CONTAINERS[name]);
    return false;
  } catch {
    return true;
  }
}
