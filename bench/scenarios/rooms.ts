import { type ChatLoad, runChatLoad } from '../chat-load.ts';
import { type Figures, formatNumber, type Result } from '../measure.ts';
import type { System } from '../with-cluster.ts';

const STEPS = [10, 100, 500, 2_000];
const MEMBERS_PER_ROOM = 5;

interface RoomsOptions extends Pick<ChatLoad, 'seconds' | 'warmUpSeconds'> {
  /** The last step. Default: 2,000. */
  rooms?: number | undefined;
  /** The sockets of each step, at most one for each member of each room. Default: 50, which is all that 10 rooms can have. */
  sockets?: number | undefined;
  /** How many messages of each step are without an ack, so that only the number of rooms changes. Default: 2,000. */
  inFlight?: number;
}

/** The same load over the same number of sockets, in 10, 100, 500 and 2,000 rooms. */
export async function measureRooms(
  system: System,
  { rooms = 2_000, sockets: maxSockets = 50, inFlight = 2_000, ...options }: RoomsOptions,
): Promise<Result> {
  const errors: string[] = [];
  const rates: Figures = {};
  const steps = [...STEPS.filter((each) => each < rooms), rooms];
  for (const step of steps) {
    const sockets = Math.min(step * MEMBERS_PER_ROOM, maxSockets);
    const senders = Math.min(sockets, inFlight);
    const load = { rooms: step, members: MEMBERS_PER_ROOM, sockets, senders, window: Math.ceil(inFlight / senders) };
    const result = await runChatLoad(system, { ...options, ...load });
    errors.push(...result.errors);
    rates[`acked/s in ${step} rooms`] = result.figures['acked/s'] as number;
    rates[`server CPU s/100k in ${step} rooms`] = result.figures['server CPU s/100k'] as number;
  }
  const [first, last] = [steps[0], rooms].map((step) => rates[`acked/s in ${step} rooms`]) as [number, number];
  system.print(`${rooms} rooms are ${formatNumber(last / first)} times as fast as ${steps[0]} rooms`);
  return { errors, figures: { ...rates, 'last / first': last / first } };
}
