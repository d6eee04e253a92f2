import { withTimeout } from '../../shared/timeout.ts';
import { READ_TIMEOUT_MS } from './timeouts.ts';

export interface Sharing<Key, Value> {
  /** Reads the values of all keys with one statement. @returns the values in the order of the keys */
  readAll: (keys: Key[]) => Promise<Value[]>;
  /** At most this number of keys share a statement. */
  maxKeys: number;
  /** At most this number of statements run at the same time. */
  maxAtOnce: number;
  /**
   * From the start of a statement with several keys to the start of the next one, except if that one has `maxKeys` keys.
   * Then few statements are enough for very many reads. A read that is alone does not wait. Default: 0.
   */
  gapMs?: number;
}

interface WaitingRead<Key, Value> {
  key: Key;
  /** By `performance.now()`. */
  waitsSince: number;
  resolve: (value: Value) => void;
  reject: (error: unknown) => void;
}

/**
 * Makes a read of one key from a read of many keys. An idle database gets a statement in the tick of the first key.
 * While `maxAtOnce` statements run, new keys wait and share the next statement, so a read costs less when more users
 * read. If a statement fails, the reads of all its keys fail with the same error.
 */
export function shareStatements<Key, Value>(sharing: Sharing<Key, Value>): (key: Key) => Promise<Value> {
  const { readAll, maxKeys, maxAtOnce, gapMs = 0 } = sharing;
  const waiting: WaitingRead<Key, Value>[] = [];
  let running = 0;
  let isScheduled = false;
  let nextStartAt = 0;

  const start = () => {
    isScheduled = false;
    // Nobody waits longer than this for an answer. After an outage, such reads must not delay the others.
    while (waiting[0] && performance.now() - waiting[0].waitsSince > READ_TIMEOUT_MS) {
      waiting.shift()?.reject(new Error('postgres did not answer in time'));
    }
    while (waiting.length > 0 && running < maxAtOnce) {
      const waitMs = waiting.length < maxKeys ? nextStartAt - performance.now() : 0;
      if (waitMs > 0) return schedule(waitMs);
      void run(waiting.splice(0, maxKeys));
    }
  };
  const schedule = (waitMs: number) => {
    if (isScheduled || running >= maxAtOnce) return;
    isScheduled = true;
    // After the other events of this tick, so that their reads share the statement.
    if (waitMs === 0) setImmediate(start);
    else setTimeout(start, waitMs);
  };
  const run = async (batch: WaitingRead<Key, Value>[]) => {
    running++;
    if (batch.length > 1) nextStartAt = performance.now() + gapMs;
    try {
      const keys = batch.map(({ key }) => key);
      const values = await withTimeout(readAll(keys), READ_TIMEOUT_MS);
      // When a connection is lost, the driver sometimes returns no rows.
      if (values.length !== batch.length) throw new Error('postgres did not answer');
      for (const [index, { resolve }] of batch.entries()) resolve(values[index] as Value);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      running--;
      start();
    }
  };
  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, waitsSince: performance.now(), resolve, reject });
      schedule(0);
    });
}
