import { readConfig } from '../shared/config.ts';
import { createLog } from '../shared/log.ts';
import { serveMetrics } from '../shared/metrics.ts';
import { stopOnSignal } from '../shared/stop-on-signal.ts';
import { GATEWAY_VARIABLES } from './edge/gateway-context.ts';
import { openGateway } from './gateway.ts';

const config = readConfig(...GATEWAY_VARIABLES, 'HOST', 'PORT', 'LOG_LEVEL', 'METRICS_PORT');
const { HOST: host, PORT: port } = config;
const log = createLog('gateway', config.LOG_LEVEL);

try {
  const gateway = await openGateway(config, log);
  serveMetrics(gateway.metrics, config.METRICS_PORT, log);
  await gateway.listen(host, port);
  log.info({ host, port }, 'gateway is ready');

  stopOnSignal(() => gateway.stop(), log);
} catch (error) {
  log.fatal({ error }, 'the gateway could not start');
  process.exit(1);
}
