import type { Gateway } from '../gateway.ts';
import type { Handler } from '../http/http.ts';

/** `GET /healthz`: this process is alive. */
export const healthy: Handler = () => ({ status: 200, body: { status: 'alive' } });

/** `GET /readyz`: it can serve, for Postgres and Redis answer; 503 with what is away otherwise. */
export const ready =
  (gateway: Gateway): Handler =>
  async () => {
    const answers = await Promise.allSettled([gateway.reads.ping(), gateway.pingRedis()]);
    const away = ['postgres', 'redis'].filter((_, index) => answers[index]?.status === 'rejected');
    if (gateway.stopping) away.push('gateway');
    if (away.length === 0) return { status: 200, body: { status: 'ready' } };
    return { status: 503, body: { error: `away: ${away.join(', ')}`, code: 'unavailable' } };
  };
