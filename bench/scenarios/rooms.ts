import { type ChatLoad, runChatLoad } from '../chat-load.ts';
import { type Figures, formatNumber, type Result } from '../measure.ts';
import type { System } from '../with-cluster.ts';

const STEPS = [10, 100, 500, 2_000];
const MEMBERS_PER_ROOM = 5;

interface RoomsOptions extends Pick<ChatLoad, 'seconds' | 'warmUpSeconds'> {
  /** The last step. Default: 2,000. */
  rooms?: number | undefined;
  /** How many messages of each step are without an ack, so that only the number of rooms changes. Default: 2,000. */
  inFlight?: number;
}

/** The same load in 10, 100, 500 and 2,000 rooms. */
export async function measureRooms(
  system: System,
  { rooms = 2_000, inFlight = 2_000, ...options }: RoomsOptions,
): Promise<Result> {
  const errors: string[] = [];
  const rates: Figures = {};
  for (const step of [...STEPS.filter((each) => each < rooms), rooms]) {
    const senders = Math.min(step * MEMBERS_PER_ROOM, inFlight);
    const load = { rooms: step, members: MEMBERS_PER_ROOM, senders, window: Math.ceil(inFlight / senders) };
    const result = await runChatLoad(system, { ...options, ...load });
    errors.push(...result.errors);
    rates[`acked/s in ${step} rooms`] = result.figures['acked/s'] as number;
    rates[`server CPU s/100k in ${step} rooms`] = result.figures['server CPU s/100k'] as number;
  }
  const [first, last] = [rates['acked/s in 10 rooms'], rates[`acked/s in ${rooms} rooms`]] as [number, number];
  system.print(`${rooms} rooms are ${formatNumber(last / first)} times as fast as 10 rooms`);
  return { errors, figures: { ...rates, 'last / first': last / first } };
}
