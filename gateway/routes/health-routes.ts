import { Refusal } from '../../shared/contract/errors.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';

/** Answers that this process is alive. */
export function healthy(): { status: string } {
  return { status: 'alive' };
}

/** Checks that this gateway can answer requests. @throws Refusal `unavailable`, with the services that do not answer */
export async function ready(gateway: GatewayContext): Promise<{ status: string }> {
  const checks = { postgres: gateway.reads.ping(), redis: gateway.pingRedis() };
  const results = await Promise.allSettled(Object.values(checks));
  const missing = Object.keys(checks).filter((_, index) => results[index]?.status === 'rejected');
  if (gateway.isStopping) missing.push('gateway');
  if (missing.length > 0) throw new Refusal('unavailable', { text: `no answer from: ${missing.join(', ')}` });
  return { status: 'ready' };
}
