import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { connectDatabase } from '../../../shared/database.ts';
import { type NewMessage, storeMessage } from './store-message.ts';

// node bench/peers/servers/bullmq-worker.ts <redis URL> <database URL>
// Each job is one message: one insert, then one publication on the channel of the room.

const CONCURRENCY = 50;
const CONNECTIONS = 10;
const [redisUrl = '', databaseUrl = ''] = process.argv.slice(2);

const database = connectDatabase(databaseUrl, { name: 'bullmq-peer', max: CONNECTIONS, readOnly: false, timeout: 0 });
const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
const publisher = new Redis(redisUrl, { enableAutoPipelining: true });

const worker = new Worker<NewMessage>(
  'peer-messages',
  async ({ data }) => {
    const message = await storeMessage(database, data);
    await publisher.publish('peer-messages', JSON.stringify(message));
  },
  { connection, concurrency: CONCURRENCY },
);
worker.on('failed', (_job, error) => process.stderr.write(`${error.message}\n`));
