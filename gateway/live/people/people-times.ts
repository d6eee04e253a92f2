export interface PeopleTimes {
  /** A room has at most one frame of each kind in this time. */
  refreshEveryMs: number;
  /** A user who is back within this time has not gone for the others: a reload, or another gateway. */
  graceMs: number;
  /** A room that nobody watches any more is followed for this time, because its watcher may come back. */
  lingerMs: number;
  beatEveryMs: number;
  /** After this time without news of another gateway, its users count as gone. A wish to follow ends too. */
  leaseMs: number;
}

export const PEOPLE_TIMES: PeopleTimes = {
  refreshEveryMs: 1_000,
  graceMs: 3_000,
  lingerMs: 10_000,
  beatEveryMs: 10_000,
  leaseMs: 30_000,
};
