import { type Logger, pino } from 'pino';

export type Log = Logger;

/** Makes a logger that removes fields with a secret, at the first three levels of an object. */
export function createLog(name: string, level: string): Log {
  const secrets = ['password', 'passwordHash', 'otp', 'token', 'authorization', 'ticket'];
  return pino({
    name,
    level,
    serializers: { error: describe },
    redact: { paths: secrets.flatMap((secret) => [secret, `*.${secret}`, `*.*.${secret}`]), remove: true },
  });
}

/** Keeps only the safe fields of an error. Drivers add other fields, such as a failed command with its arguments. */
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
