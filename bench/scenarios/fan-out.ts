import { type ChatLoad, runChatLoad } from '../chat-load.ts';
import type { Result } from '../measure.ts';
import type { System } from '../with-cluster.ts';

/** A few senders are enough: each of their messages is delivered to all members. */
const DEFAULTS = { members: 1_000, senders: 100 };

/** One room with many members: each message is delivered to all of them. */
export function measureFanOut(system: System, options: Partial<ChatLoad>): Promise<Result> {
  return runChatLoad(system, { ...DEFAULTS, ...options, rooms: 1 });
}
