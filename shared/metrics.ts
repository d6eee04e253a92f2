import { createServer } from 'node:http';
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import type { Log } from './log.ts';

/** The metrics of one gateway or of one set of workers. Each of these has its own registry. */
export interface Metrics {
  registry: Registry;
  /** Mails with a one-time password, by result: `sent`, `failed` (retried later) or `given_up`. */
  otpMails: Counter<'result'>;
  /** Statements that were sent to Postgres. */
  statements: Counter;
  /** `Typing` frames that were not shown, by reason: `busy` or `too_often`. */
  droppedTyping: Counter<'reason'>;
  /** Payloads from Redis that could not be read and were dropped, by kind. */
  unreadablePayloads: Counter<'kind'>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    otpMails: new Counter({
      name: 'rooms_otp_mails_total',
      help: 'Mails with a one-time password, by result',
      labelNames: ['result'],
      registers,
    }),
    statements: new Counter({
      name: 'rooms_statements_total',
      help: 'Statements that were sent to Postgres',
      registers,
    }),
    droppedTyping: new Counter({
      name: 'rooms_dropped_typing_total',
      help: 'Typing frames that were not shown, by reason',
      labelNames: ['reason'],
      registers,
    }),
    unreadablePayloads: new Counter({
      name: 'rooms_unreadable_payloads_total',
      help: 'Payloads from Redis that could not be read and were dropped, by kind',
      labelNames: ['kind'],
      registers,
    }),
  };
}

/** Offers these metrics and the metrics of the process at `/metrics` on the port. Without a port, it does nothing. */
export function serveMetrics({ registry }: Metrics, port: number | undefined, log: Log): void {
  if (port === undefined) return;
  collectDefaultMetrics({ register: registry });
  const server = createServer(async ({ url, method }, response) => {
    if (url !== '/metrics' || method !== 'GET') return response.writeHead(404).end();
    return response.setHeader('Content-Type', registry.contentType).end(await registry.metrics());
  });
  server.on('error', (error) => log.error({ error, port }, 'the metrics are not available'));
  server.listen(port).unref();
}
