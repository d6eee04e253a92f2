import { setTimeout as wait } from 'node:timers/promises';
import { inParallel } from './call-api.ts';
import { Latency } from './latency.ts';
import { type Result, startCpu } from './measure.ts';
import { RawHttp } from './raw-http.ts';
import type { System } from './with-cluster.ts';

export const WARM_UP_MS = 1_000;

/** A kind of request. */
export interface HttpLoad {
  name: string;
  request: (connection: number) => Buffer;
  /** @returns what is wrong with the answer, if anything is */
  check: (status: number, bytes: Buffer, start: number, end: number) => string | undefined;
}

/** Each connection sends its next request when it has its answer. The first second is not measured. */
export async function runHttpLoad(
  system: System,
  load: HttpLoad,
  connections: number,
  seconds: number,
): Promise<Result> {
  const endsAt = performance.now() + WARM_UP_MS + seconds * 1_000;
  const counts = { answers: 0, latency: new Latency(), errors: [] as string[] };
  const ended = inParallel(connections, (index) => runConnection(system.url, load, index, endsAt, counts), connections);
  await wait(WARM_UP_MS);
  counts.latency.reset();
  const [before, measureCpu, startedAt] = [counts.answers, startCpu(system.readCpu), performance.now()];
  await wait(seconds * 1_000);
  const measured = counts.answers - before;
  const rate = (measured / (performance.now() - startedAt)) * 1_000;
  const cpu = measureCpu(measured);
  await ended;
  const times = { 'p50 ms': counts.latency.percentileMs(50), 'p99 ms': counts.latency.percentileMs(99) };
  return { errors: counts.errors, figures: { 'requests/s': rate, ...times, ...cpu } };
}

function runConnection(
  url: string,
  load: HttpLoad,
  index: number,
  endsAt: number,
  counts: { answers: number; latency: Latency; errors: string[] },
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let sentAt = 0;
  const sendNext = () => {
    if (performance.now() >= endsAt) return connection.destroy();
    sentAt = performance.now();
    connection.send(load.request(index));
  };
  const connection = new RawHttp({
    url,
    onConnect: sendNext,
    onAnswer: (status, bytes, start, end) => {
      counts.answers++;
      counts.latency.record(performance.now() - sentAt);
      const error = load.check(status, bytes, start, end);
      if (error) counts.errors.push(`${load.name}: ${error}`);
      sendNext();
    },
    onClose: (reason) => {
      if (performance.now() < endsAt) counts.errors.push(`a connection was closed: ${reason}`);
      resolve();
    },
  });
  return promise;
}
