import { readConfig } from '../shared/config.ts';
import { createLog } from '../shared/log.ts';
import { migrate } from './migrate.ts';

const config = readConfig('DATABASE_URL', 'LOG_LEVEL');
const log = createLog('migrate', config.LOG_LEVEL);

try {
  log.info({ applied: await migrate(config.DATABASE_URL) }, 'database is up to date');
} catch (error) {
  log.fatal({ error }, 'database could not be migrated');
  process.exitCode = 1;
}
