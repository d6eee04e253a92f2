import { isIP, isIPv6 } from 'node:net';
import * as v from 'valibot';

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A duration such as `1s`, `10m` or `12h`. The value is in milliseconds. */
const Duration = v.pipe(
  v.string(),
  v.regex(/^\d+(ms|s|m|h)$/, 'must be a duration such as 1s, 10m or 12h'),
  v.transform((text) => Number.parseInt(text, 10) * UNITS[text.replace(/^\d+/, '') as keyof typeof UNITS]),
  v.minValue(1, 'must be longer than 0'),
  v.maxValue(30 * 24 * UNITS.h, 'must be at most 720h'),
);

const wholeNumber = (min: number, max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d+$/, 'must be a whole number'),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );

const serviceUrl = (...schemes: string[]) =>
  v.pipe(
    v.string('must be set'),
    v.check(
      (text) => URL.canParse(text) && schemes.includes(new URL(text).protocol),
      `must be a URL that starts with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`,
    ),
  );

const trueOrFalse = v.pipe(
  v.picklist(['true', 'false'], 'must be true or false'),
  v.transform((text) => text === 'true'),
);

const splitList = (text: string) => text.split(/[\s,]+/).filter((item) => item !== '');

const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text;

const Origins = v.pipe(
  v.string(),
  v.transform(splitList),
  v.check((origins) => origins.join() === '*' || origins.every(isOrigin), 'must be * or origins (https://example.com)'),
);

const isNetwork = (text: string) => {
  const [ip = '', bits = '0', ...more] = text.split('/');
  return more.length === 0 && isIP(ip) > 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv6(ip) ? 128 : 32);
};

const Networks = v.pipe(
  v.string(),
  v.transform(splitList),
  v.check((networks) => networks.every(isNetwork), 'must be IP addresses or networks (10.0.0.0/8)'),
);

/** All environment variables that Rooms reads, each with its schema and its default. */
export const variables = {
  DATABASE_URL: serviceUrl('postgres:', 'postgresql:'),
  REDIS_URL: serviceUrl('redis:', 'rediss:'),
  /** The prefix of all keys and channels in Redis. Deployments with different prefixes can share one Redis. */
  REDIS_PREFIX: v.optional(v.pipe(v.string(), v.regex(/^[\w-]+$/, 'must be letters, digits, - or _')), 'rooms'),
  API_SECRET: v.pipe(
    v.string('must be set: openssl rand -base64 32'),
    v.minLength(32, 'must have at least 32 characters: openssl rand -base64 32'),
    v.check((text) => new Set(text).size >= 10, 'must be random: openssl rand -base64 32'),
  ),
  /** A socket is closed when its token expires. The maximum is 24 days. */
  TOKEN_HOUR_LIFESPAN: v.optional(wholeNumber(1, 576), '12'),
  /** Only `dev` accepts weak settings. Every other value means production, so a wrong value is still safe. */
  ENVIRONMENT: v.optional(v.string(), 'production'),
  HOST: v.optional(v.string(), '0.0.0.0'),
  PORT: v.optional(wholeNumber(1, 65_535), '8080'),
  /** The number of lanes (gateway/commands/lane.ts). More lanes make smaller batches, so a message costs more. */
  LANES: v.optional(wholeNumber(1, 64), '1'),
  LOG_LEVEL: v.optional(v.picklist(LEVELS, `must be one of ${LEVELS.join(', ')}`), 'info'),
  /** `*`, or a comma-separated list of the origins that may call the API from a browser. */
  CORS_ORIGIN: v.optional(Origins, '*'),
  /** A comma-separated list of proxies, as IP addresses or networks. Only their `X-Forwarded-For` is used. */
  TRUSTED_PROXIES: v.optional(Networks, ''),
  /**
   * `true` accepts a token in the URL of a socket. Clients of the Go server that Rooms replaces need this. The default
   * is `true` in `dev`.
   */
  WS_QUERY_TOKEN: v.optional(trueOrFalse, 'false'),
  ALLOWED_USERS_ONLY: v.optional(trueOrFalse, 'false'),
  RATE_LIMIT: v.optional(wholeNumber(1, 1_000_000), '30'),
  RATE_WINDOW: v.optional(Duration, '1s'),
  LOGIN_ATTEMPTS: v.optional(wholeNumber(1, 1_000), '5'),
  LOGIN_WINDOW: v.optional(Duration, '10m'),
  /** Passwords of one address in the queue of a gateway. A few more wait until one of them is hashed. */
  HASHES_PER_ADDRESS: v.optional(wholeNumber(1, 1_000_000), '2'),
  /** New accounts from one address in each window. */
  REGISTRATION_LIMIT: v.optional(wholeNumber(1, 1_000_000), '50'),
  REGISTRATION_WINDOW: v.optional(Duration, '10m'),
  OTP_EXPIRY: v.optional(Duration, '10m'),
  /** Commands per second that a socket may send. After a pause, it may send the commands of four seconds together. */
  SOCKET_RATE: v.optional(wholeNumber(1, 1_000_000), '50'),
  /** Commands per second of a user, over all sockets, HTTP and gateways together. */
  USER_RATE: v.optional(wholeNumber(1, 1_000_000), '20'),
  ROOMS_PER_HOUR: v.optional(wholeNumber(1, 1_000_000), '30'),
  /** `AddUser` commands of a user. */
  ADDITIONS_PER_MINUTE: v.optional(wholeNumber(1, 1_000_000), '60'),
  SOCKETS_PER_USER: v.optional(wholeNumber(1, 1_000_000), '50'),
  SOCKETS_PER_ADDRESS: v.optional(wholeNumber(1, 1_000_000), '1000'),
  /** Open connections of a gateway, with the sockets. The default is what the limit of descriptors allows. */
  CONNECTIONS: v.optional(wholeNumber(1, 1_000_000)),
  /** New connections of one address. A connection that becomes a socket counts for 12 seconds more. */
  CONNECTIONS_PER_ADDRESS: v.optional(wholeNumber(1, 1_000_000), '1000'),
  /** Megabytes that all sockets of a gateway together may leave unread. */
  UNSENT_MEGABYTES: v.optional(wholeNumber(1, 1_000_000), '256'),
  /** The quotas of one user and of one message. A user with more keeps them, and gets no more. */
  OWNED_ROOMS_PER_USER: v.optional(wholeNumber(1, 1_000_000), '100'),
  /** Rooms of which a user is a member, without general and announcements. */
  ROOMS_PER_USER: v.optional(wholeNumber(1, 1_000_000), '1000'),
  EDITS_PER_MESSAGE: v.optional(wholeNumber(1, 1_000_000), '100'),
  SENDER_NAME: v.optional(v.string(), 'Rooms 💬'),
  SMTP_HOST: v.string('must be set: the host of the mail server'),
  SMTP_PORT: v.optional(wholeNumber(1, 65_535), '587'),
  /** The e-mail address of the sender, and the user name at the mail server. */
  EMAIL: v.optional(v.pipe(v.string(), v.rfcEmail('must be an e-mail address'))),
  EMAIL_PASSWORD: v.optional(v.string()),
  /** The folder where `npm start` keeps mails. A gateway with it shows the codes of all mails to everyone. */
  CAUGHT_MAILS: v.optional(
    v.pipe(
      v.string(),
      v.check(() => false, 'must not be set: it shows mailed codes to everyone'),
    ),
  ),
  /** The port of the Prometheus metrics. If it is not set, the process offers no metrics. */
  METRICS_PORT: v.optional(wholeNumber(1, 65_535)),
};

/** With `ENVIRONMENT=dev`, these schemas are used instead. All variables with weaker rules in `dev` are here. */
const variablesInDev = {
  ...variables,
  API_SECRET: v.string('must be set: openssl rand -base64 32'),
  WS_QUERY_TOKEN: v.optional(trueOrFalse, 'true'),
  CAUGHT_MAILS: v.optional(v.string()),
};

/** True if the weaker rules apply. They are not safe for a server that strangers can reach. */
export const isDev = (ENVIRONMENT: string | undefined): boolean => ENVIRONMENT === 'dev';

type Variable = keyof typeof variables;
export type Config<Name extends Variable> = Pick<v.InferOutput<v.ObjectSchema<typeof variables, undefined>>, Name>;

/**
 * Reads the named variables from the environment. A variable with an empty value counts as not set.
 * If a variable is invalid or missing, the process prints a line for each such variable and ends with exit code 78.
 * Prints a warning if `API_SECRET` is weak, which only `dev` accepts.
 */
export function readConfig<Name extends Variable>(...names: Name[]): Config<Name> {
  try {
    const config = parseConfig(process.env, names);
    warnIfWeak((config as Partial<Config<'API_SECRET'>>).API_SECRET);
    return config;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return process.exit(78);
  }
}

/**
 * Reads the named variables from a record instead of the environment.
 * @throws Error with one line for each variable that is invalid or missing
 */
export function parseConfig<Name extends Variable>(
  environment: Record<string, string | undefined>,
  names: Name[],
): Config<Name> {
  const schemas = isDev(environment.ENVIRONMENT) ? variablesInDev : variables;
  const invalid: string[] = [];
  const values = names.map((name) => {
    const result = v.safeParse(schemas[name], environment[name] || undefined);
    if (!result.success) invalid.push(`config: ${name} ${result.issues[0].message}`);
    return [name, result.output];
  });
  if (invalid.length > 0) throw new Error(invalid.join('\n'));
  return Object.fromEntries(values) as Config<Name>;
}

function warnIfWeak(secret: string | undefined): void {
  if (secret === undefined) return;
  const { issues } = v.safeParse(variables.API_SECRET, secret);
  if (!issues) return;
  const reason = 'Only ENVIRONMENT=dev accepts a weak secret: a person who guesses it can act as any user.';
  process.stderr.write(`warning: API_SECRET ${issues[0].message}. ${reason}\n`);
}

/** Sets a variable for this process and its child processes, unless it has a value. Call this before `readConfig`. */
export function setDefault(name: Variable, value: string): void {
  process.env[name] ||= value;
}

/** Removes a variable of this process and its child processes. Call this before `readConfig`. */
export function unset(name: Variable): void {
  delete process.env[name];
}

/** Returns the environment for a child process: the environment of this process, with changes. */
export function environment(changes: Record<string, string>): Record<string, string | undefined> {
  return { ...process.env, ...changes };
}
