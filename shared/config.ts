import { isIP, isIPv6 } from 'node:net';
import * as v from 'valibot';

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A duration as the seed writes it (`1s`, `10m`, `12h`), read as milliseconds. */
const Duration = v.pipe(
  v.string(),
  v.regex(/^\d+(ms|s|m|h)$/, 'must be a duration such as 1s, 10m or 12h'),
  v.transform((text) => Number.parseInt(text, 10) * UNITS[text.replace(/^\d+/, '') as keyof typeof UNITS]),
  v.minValue(1, 'must be longer than nothing'),
  v.maxValue(30 * 24 * UNITS.h, 'must be at most 720h'),
);

const whole = (least: number, most: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d+$/, 'must be a whole number'),
    v.transform(Number),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );

const address = (...schemes: string[]) =>
  v.pipe(
    v.string('must be set'),
    v.check(
      (text) => URL.canParse(text) && schemes.includes(new URL(text).protocol),
      `must be a URL that starts with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`,
    ),
  );

const flag = v.pipe(
  v.picklist(['true', 'false'], 'must be true or false'),
  v.transform((text) => text === 'true'),
);

const list = (text: string) => text.split(/[\s,]+/).filter((each) => each !== '');

const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text;

const Origins = v.pipe(
  v.string(),
  v.transform(list),
  v.check((origins) => origins.join() === '*' || origins.every(isOrigin), 'must be * or origins (https://example.com)'),
);

const isNetwork = (text: string) => {
  const [address = '', bits = '0', ...more] = text.split('/');
  return (
    more.length === 0 && isIP(address) > 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv6(address) ? 128 : 32)
  );
};

const Networks = v.pipe(
  v.string(),
  v.transform(list),
  v.check((networks) => networks.every(isNetwork), 'must be addresses or networks (10.0.0.0/8)'),
);

/** Every variable of the environment that Rooms reads, with its rule and its default. */
export const variables = {
  DATABASE_URL: address('postgres:', 'postgresql:'),
  REDIS_URL: address('redis:', 'rediss:'),
  /** Goes before every key and channel, so that several deployments can share one Redis. */
  REDIS_PREFIX: v.optional(v.pipe(v.string(), v.regex(/^[\w-]+$/, 'must be letters, digits, - or _')), 'rooms'),
  API_SECRET: v.pipe(
    v.string('must be set: openssl rand -base64 32'),
    v.minLength(32, 'must have at least 32 characters: openssl rand -base64 32'),
    v.check((text) => new Set(text).size >= 10, 'must be drawn at random: openssl rand -base64 32'),
  ),
  /** At most 24 days, as long as a timer can wait: a socket ends with its token. */
  TOKEN_HOUR_LIFESPAN: v.optional(whole(1, 576), '12'),
  /** In `production` browsers are told to use TLS alone. */
  ENVIRONMENT: v.optional(v.string(), 'dev'),
  HOST: v.optional(v.pipe(v.string(), v.nonEmpty('must be an address')), '0.0.0.0'),
  PORT: v.optional(whole(1, 65_535), '8080'),
  /** Batches that one gateway has in flight at once; more of them are smaller, and each costs more (bench/README.md). */
  LANES: v.optional(whole(1, 64), '1'),
  LOG_LEVEL: v.optional(v.picklist(LEVELS, `must be one of ${LEVELS.join(', ')}`), 'info'),
  /** `*`, or the origins that may ask, with commas between them. */
  CORS_ORIGIN: v.optional(Origins, '*'),
  /** Proxies whose `X-Forwarded-For` counts: addresses or networks (10.0.0.0/8), with commas between them. */
  TRUSTED_PROXIES: v.optional(Networks, ''),
  /** For old clients, which put their token into the URL of the socket. */
  WS_QUERY_TOKEN: v.optional(flag, 'false'),
  ALLOWED_USERS_ONLY: v.optional(flag, 'false'),
  RATE_LIMIT: v.optional(whole(1, 1_000_000), '30'),
  RATE_WINDOW: v.optional(Duration, '1s'),
  LOGIN_ATTEMPTS: v.optional(whole(1, 1_000), '5'),
  LOGIN_WINDOW: v.optional(Duration, '10m'),
  OTP_EXPIRY: v.optional(Duration, '10m'),
  /** Commands a second that a socket may send, and at once four times as many. */
  SOCKET_RATE: v.optional(whole(1, 1_000_000), '50'),
  SOCKETS_PER_USER: v.optional(whole(1, 1_000_000), '50'),
  SOCKETS_PER_ADDRESS: v.optional(whole(1, 1_000_000), '1000'),
  SENDER_NAME: v.optional(v.string(), 'Rooms 💬'),
  SMTP_HOST: v.pipe(v.string('must be set: the mail server that takes one-time passwords'), v.nonEmpty()),
  SMTP_PORT: v.optional(whole(1, 65_535), '587'),
  /** The sender, and the name that logs in at the mail server. */
  EMAIL: v.optional(v.pipe(v.string(), v.rfcEmail('must be an e-mail address'))),
  EMAIL_PASSWORD: v.optional(v.string()),
  /** Prometheus metrics are served there; nowhere if it is not set. */
  METRICS_PORT: v.optional(whole(1, 65_535)),
};

type Variable = keyof typeof variables;
export type Config<Name extends Variable> = Pick<v.InferOutput<v.ObjectSchema<typeof variables, undefined>>, Name>;

/**
 * Reads the named variables from the environment. An empty value counts as not set.
 * A bad or missing value ends the process (exit code 78) with one line for each variable that is wrong.
 */
export function readConfig<Name extends Variable>(...names: Name[]): Config<Name> {
  try {
    return parseConfig(process.env, names);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return process.exit(78);
  }
}

/** As {@link readConfig}, from any record; throws an Error whose message names every variable that is wrong. */
export function parseConfig<Name extends Variable>(
  environment: Record<string, string | undefined>,
  names: Name[],
): Config<Name> {
  const wrong: string[] = [];
  const read = names.map((name) => {
    const result = v.safeParse(variables[name], environment[name] || undefined);
    if (!result.success) wrong.push(`config: ${name} ${result.issues[0].message}`);
    return [name, result.output];
  });
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  return Object.fromEntries(read) as Config<Name>;
}

/** The environment for a child process: this one's, with changes. Nowhere else is `process.env` read. */
export function environment(changes: Record<string, string>): Record<string, string | undefined> {
  return { ...process.env, ...changes };
}
