import { type Logger, pino } from 'pino';

export type Log = Logger;

/** A logger for one process. Fields that could hold a secret are cut out, wherever in an object they stand. */
export function createLog(name: string, level: string): Log {
  const secrets = ['password', 'passwordHash', 'otp', 'token', 'authorization', 'ticket'];
  return pino({
    name,
    level,
    serializers: { error: describe },
    redact: { paths: secrets.flatMap((secret) => [secret, `*.${secret}`, `*.*.${secret}`]), remove: true },
  });
}

/** What may be said of an error: not what a driver adds to it, such as the command that failed with all it held. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  return {
    name,
    message,
    stack,
    ...(code !== undefined && { code }),
    ...(cause !== undefined && { cause: describe(cause) }),
  };
}
