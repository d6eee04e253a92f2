import { Refusal } from '../../shared/contract/errors.ts';
import type { Gateway } from '../gateway.ts';

/** This process is alive. */
export function healthy(): { status: string } {
  return { status: 'alive' };
}

/** This gateway can serve. @throws Refusal `unavailable` that names what does not answer */
export async function ready(gateway: Gateway): Promise<{ status: string }> {
  const checks = { postgres: gateway.reads.ping(), redis: gateway.pingRedis() };
  const results = await Promise.allSettled(Object.values(checks));
  const missing = Object.keys(checks).filter((_, index) => results[index]?.status === 'rejected');
  if (gateway.isStopping) missing.push('gateway');
  if (missing.length > 0) throw new Refusal('unavailable', { text: `no answer from: ${missing.join(', ')}` });
  return { status: 'ready' };
}
