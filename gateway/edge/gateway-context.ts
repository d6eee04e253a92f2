import type { Config } from '../../shared/config.ts';
import type { Log } from '../../shared/log.ts';
import type { Metrics } from '../../shared/metrics.ts';
import type { OtpCheck } from '../accounts/otp-check.ts';
import type { OtpRequests } from '../accounts/otp-requests.ts';
import type { Passwords } from '../accounts/passwords.ts';
import type { Tickets } from '../accounts/tickets.ts';
import type { Tokens } from '../accounts/tokens.ts';
import type { CommandDispatcher } from '../commands/dispatcher.ts';
import type { ReadMarks } from '../commands/read-marks.ts';
import type { LiveRooms } from '../live/live-rooms.ts';
import type { Reads } from '../reads/reads.ts';
import type { UserTurns } from '../reads/user-turns.ts';
import type { AddressOf } from './addresses.ts';
import type { Cors } from './cors.ts';
import type { OpenConnections } from './open-connections.ts';
import type { RateLimits } from './rate-limits.ts';
import type { Readiness } from './readiness.ts';
import type { UserRates } from './user-rates.ts';

/** The environment variables of a gateway. */
export const GATEWAY_VARIABLES = [
  'DATABASE_URL',
  'REDIS_URL',
  'REDIS_PREFIX',
  'API_SECRET',
  'TOKEN_HOUR_LIFESPAN',
  'ENVIRONMENT',
  'LANES',
  'CORS_ORIGIN',
  'TRUSTED_PROXIES',
  'WS_QUERY_TOKEN',
  'RATE_LIMIT',
  'RATE_WINDOW',
  'LOGIN_ATTEMPTS',
  'LOGIN_WINDOW',
  'HASHES_PER_ADDRESS',
  'REGISTRATION_LIMIT',
  'REGISTRATION_WINDOW',
  'SOCKET_RATE',
  'USER_RATE',
  'ROOMS_PER_HOUR',
  'ADDITIONS_PER_MINUTE',
  'SOCKETS_PER_USER',
  'SOCKETS_PER_ADDRESS',
  'CONNECTIONS',
  'CONNECTIONS_PER_ADDRESS',
  'UNSENT_MEGABYTES',
  'CAUGHT_MAILS',
] as const;

export type GatewayConfig = Config<(typeof GATEWAY_VARIABLES)[number]>;

/** The parts of a gateway that routes and sockets use. */
export interface GatewayContext {
  config: GatewayConfig;
  /** The id of the database. It changes after a restore from a backup. */
  readonly epoch: string;
  addressOf: AddressOf;
  connections: OpenConnections;
  cors: Cors;
  rateLimits: RateLimits;
  userRates: UserRates;
  reads: Reads;
  /** Bound the reads of each user, so that one user does not delay the reads of others. */
  turns: { lists: UserTurns; histories: UserTurns };
  dispatcher: CommandDispatcher;
  readMarks: ReadMarks;
  liveRooms: LiveRooms;
  passwords: Passwords;
  tokens: Tokens;
  tickets: Tickets;
  otpCheck: OtpCheck;
  otpRequests: OtpRequests;
  readiness: Readiness;
  /** True after the gateway was asked to stop. */
  isStopping: boolean;
  metrics: Metrics;
  log: Log;
}
