import { type Logger, pino } from 'pino';

export type Log = Logger;

/** A logger for one process. Fields that could hold a secret are cut out, wherever in an object they stand. */
export function createLog(name: string, level: string): Log {
  const secrets = ['password', 'passwordHash', 'otp', 'token', 'authorization', 'ticket'];
  return pino({
    name,
    level,
    serializers: { error: pino.stdSerializers.err },
    redact: { paths: secrets.flatMap((secret) => [secret, `*.${secret}`, `*.*.${secret}`]), remove: true },
  });
}
