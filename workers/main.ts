import { readConfig } from '../shared/config.ts';
import { QUEUES } from '../shared/contract/jobs.ts';
import { createLog } from '../shared/log.ts';
import { serveMetrics } from '../shared/metrics.ts';
import { stopOnSignal } from '../shared/stop-on-signal.ts';
import { openWorkers, workerVariables } from './workers.ts';

// node workers/main.ts [persistence] [otp-email] [role-changes]
// Starts workers of the named kinds, or of all kinds if no kind is named.

const names = process.argv.slice(2);
const unknown = names.find((name) => !(QUEUES as readonly string[]).includes(name));
if (unknown !== undefined) {
  process.stderr.write(`there is no worker of the kind ${unknown}; the kinds are: ${QUEUES.join(', ')}\n`);
  process.exit(64);
}
const kinds = QUEUES.filter((kind) => names.length === 0 || names.includes(kind));

const config = readConfig(...workerVariables(kinds), 'LOG_LEVEL', 'METRICS_PORT');
const log = createLog(kinds.join(' '), config.LOG_LEVEL);
const workers = await openWorkers(config, kinds, log);
serveMetrics(workers.metrics, config.METRICS_PORT, log);
log.info('workers ready');

stopOnSignal(() => workers.stop(), log);

void workers.stuck.then((queue) => {
  log.fatal({ queue }, 'jobs wait and the worker takes none, ending the process');
  process.exit(1);
});
