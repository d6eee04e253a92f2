import { Refusal } from '../../shared/contract/errors.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';

/** Answers that this process is alive. */
export function healthy(): { status: string } {
  return { status: 'alive' };
}

/** Answers that this gateway can answer requests. @throws Refusal `unavailable`, with what does not answer */
export function ready({ readiness, isStopping }: GatewayContext): { status: string } {
  const missing = [...readiness.missing, ...(isStopping ? ['gateway'] : [])];
  if (missing.length > 0) throw new Refusal('unavailable', { text: `no answer from: ${missing.join(', ')}` });
  return { status: 'ready' };
}
