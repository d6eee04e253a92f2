import { type ChatLoad, runChatLoad } from '../chat-load.ts';
import type { Result } from '../measure.ts';
import type { System } from '../with-cluster.ts';

const DEFAULTS = { rooms: 100, members: 10 };

/** Members write in many rooms at the same time. */
export function measureChat(system: System, options: Partial<ChatLoad>): Promise<Result> {
  return runChatLoad(system, { ...DEFAULTS, ...options });
}
