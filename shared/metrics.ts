import { createServer } from 'node:http';
import { Counter, collectDefaultMetrics, register } from 'prom-client';
import type { Log } from './log.ts';

/** One-time passwords by what became of their mail: `sent`, `failed` (is tried again) or `given_up`. */
export const otpMails = new Counter({
  name: 'rooms_otp_mails_total',
  help: 'Mails with a one-time password, by what became of them',
  labelNames: ['result'] as const,
});

/** Serves this process's metrics as Prometheus reads them, at `/metrics` of a port of its own; without a port, nowhere. */
export function serveMetrics(port: number | undefined, log: Log): void {
  if (port === undefined) return;
  collectDefaultMetrics();
  const server = createServer(async ({ url, method }, response) => {
    if (url !== '/metrics' || method !== 'GET') return response.writeHead(404).end();
    return response.setHeader('Content-Type', register.contentType).end(await register.metrics());
  });
  server.on('error', (error) => log.error({ error, port }, 'metrics cannot be served'));
  server.listen(port).unref();
}
