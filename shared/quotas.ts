import type { Config } from './config.ts';

/** The variables that bound what one user may have. The SQL functions check them, so the check is part of the commit. */
export const QUOTA_VARIABLES = ['OWNED_ROOMS_PER_USER', 'ROOMS_PER_USER', 'EDITS_PER_MESSAGE'] as const;

export type Quotas = Config<(typeof QUOTA_VARIABLES)[number]>;

/** Returns the settings of a Postgres session that the SQL function `quota` reads. */
export function quotaSettings(quotas: Quotas): Record<string, number> {
  return Object.fromEntries(QUOTA_VARIABLES.map((name) => [`rooms.${name.toLowerCase()}`, quotas[name]]));
}
