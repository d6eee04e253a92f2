import { randomBytes } from 'node:crypto';
import { after } from 'node:test';
import { GATEWAY_VARIABLES } from '../../gateway/edge/gateway-context.ts';
import { openGateway, type RunningGateway } from '../../gateway/gateway.ts';
import { parseConfig } from '../../shared/config.ts';
import { newId } from '../../shared/contract/ids.ts';
import type { QueueName } from '../../shared/contract/jobs.ts';
import type { Database } from '../../shared/database.ts';
import { createLog } from '../../shared/log.ts';
import { openWorkers, workerVariables } from '../../workers/workers.ts';
import { signToken } from './client.ts';
import { openTestDatabase, testServices } from './system.ts';

const KINDS: QueueName[] = ['persistence', 'role-changes'];
const SECRET = 'a secret for tests, with 10 different characters';

export interface TestGateway {
  gateway: RunningGateway;
  url: string;
  database: Database;
  /** Inserts a user without a password. @returns the id of the user and a token */
  addUser(firstName?: string): Promise<{ id: string; token: string }>;
  /** Opens a second gateway of the same deployment in this process. */
  openAnother(): Promise<{ gateway: RunningGateway; url: string }>;
}

/**
 * Opens a gateway and the workers in this process, with a new database and a new Redis prefix. They close at the end of
 * the test file.
 * @param env environment variables. They replace the values of the tests, which switch the rate limits off.
 */
export async function openTestGateway(env: Record<string, string> = {}): Promise<TestGateway> {
  const { url: databaseUrl, database } = await openTestDatabase();
  const environment = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: testServices().redisUrl,
    REDIS_PREFIX: `rooms-${randomBytes(6).toString('hex')}`,
    API_SECRET: SECRET,
    RATE_LIMIT: '1000000',
    SOCKET_RATE: '1000000',
    USER_RATE: '1000000',
    ROOMS_PER_HOUR: '1000000',
    ADDITIONS_PER_MINUTE: '1000000',
    REGISTRATION_LIMIT: '1000000',
    HASHES_PER_ADDRESS: '1000000',
    SOCKETS_PER_USER: '1000000',
    SOCKETS_PER_ADDRESS: '1000000',
    CONNECTIONS_PER_ADDRESS: '1000000',
    OWNED_ROOMS_PER_USER: '1000000',
    ROOMS_PER_USER: '1000000',
    EDITS_PER_MESSAGE: '1000000',
    SMTP_HOST: '127.0.0.1',
    ...env,
  };
  const log = createLog('test', env.LOG_LEVEL ?? 'silent');
  const workers = await openWorkers(parseConfig(environment, workerVariables(KINDS)), KINDS, log);
  after(() => workers.stop());
  const openAnother = async () => {
    const gateway = await openGateway(parseConfig(environment, [...GATEWAY_VARIABLES]), log);
    after(() => gateway.stop());
    return { gateway, url: `http://127.0.0.1:${await gateway.listen('127.0.0.1', 0)}` };
  };
  const addUser = (firstName?: string) => insertUser(database, firstName);
  return { ...(await openAnother()), database, addUser, openAnother };
}

async function insertUser(database: Database, firstName = 'Tester') {
  const id = newId();
  await database`
    insert into users (id, first_name, last_name, email, password_hash)
    values (${id}, ${firstName}, 'Testing', ${`${id}@example.com`}, '')`;
  await database`insert into memberships (room_id, user_id) select id, ${id} from rooms where owner_id is null`;
  return { id, token: await signToken(SECRET, id, '1h') };
}
