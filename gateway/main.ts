import uWS, { type us_listen_socket } from 'uWebSockets.js';
import { setTimeout as wait } from 'node:timers/promises';
import { readConfig } from '../shared/config.ts';
import { createLog } from '../shared/log.ts';
import { createMetrics, serveMetrics } from '../shared/metrics.ts';
import { routeAll } from './app.ts';
import { GATEWAY_VARIABLES, type Gateway, openGateway } from './gateway.ts';
import { openRequests } from './http/http.ts';
import { closeSockets } from './sockets/sockets.ts';

/** Milliseconds that open commands and requests have to get their outcomes when the process stops. */
const DRAIN = 10_000;

const config = readConfig(...GATEWAY_VARIABLES, 'HOST', 'PORT', 'LOG_LEVEL', 'METRICS_PORT');
const log = createLog('gateway', config.LOG_LEVEL);
const app = uWS.App();
const metrics = createMetrics();
const gateway = await openGateway(config, app, metrics, log).catch((error: unknown) => {
  log.fatal({ error }, 'the gateway could not be started');
  return process.exit(1);
});
routeAll(app, gateway);
serveMetrics(metrics, config.METRICS_PORT, log);

// Several gateways may listen on one port of a machine: the kernel shares the connections out.
const listener = await new Promise<us_listen_socket | false>((resolve) =>
  app.listen(config.HOST, config.PORT, resolve),
);
if (!listener) {
  log.fatal(
    { host: config.HOST, port: config.PORT },
    'cannot listen: the port is taken, or the host is not of this machine',
  );
  process.exit(1);
}
log.info({ host: config.HOST, port: config.PORT }, 'gateway is ready');

process.once('SIGTERM', (signal) => void stop(signal, gateway, listener));
process.once('SIGINT', (signal) => void stop(signal, gateway, listener));

/** Takes no new connections, gives open commands their outcomes, and sends the sockets elsewhere. */
async function stop(signal: string, { commands, close }: Gateway, listening: us_listen_socket): Promise<void> {
  log.info({ signal }, 'stopping');
  gateway.stopping = true;
  uWS.us_listen_socket_close(listening);
  const until = Date.now() + DRAIN;
  while (commands.pending + openRequests() > 0 && Date.now() < until) await wait(20);
  closeSockets();
  await close().catch((error: unknown) => log.warn({ error }, 'not all was closed'));
  log.info('stopped');
  process.exit(0);
}
