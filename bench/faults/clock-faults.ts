import type { Fault } from './fault.ts';

const HOUR_S = 3_600;
const HALF_AN_HOUR_MS = 1_800_000;

/** The wall clock of all processes and of Postgres jumps an hour ahead, and back at the end. */
export const jumpClock: Fault = async ({ system }) => {
  if (!system.clock) throw new Error('this system has the right clock');
  const { clock } = system;
  clock.set(HOUR_S);
  const [row] = await system.database<
    { nowMs: number }[]
  >`select extract(epoch from clock_timestamp())::float8 * 1000 as now_ms`;
  if ((row?.nowMs ?? 0) - Date.now() < HALF_AN_HOUR_MS) throw new Error('the clock of Postgres did not jump');
  return () => clock.set(0);
};
