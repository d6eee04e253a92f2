import { parseArgs } from 'node:util';
import { parseCount } from '../command-line.ts';
import type { Result } from '../measure.ts';
import type { BenchOptions } from '../with-cluster.ts';
import { comparePeers } from './compare-peers.ts';

const NUMBERS = ['times', 'rooms', 'members', 'rate', 'window', 'seconds'];

export const PEERS_USAGE = `npm run bench -- peers [options]
  runs Rooms and other chat servers in turns, under the same load (${NUMBERS.join(', ')})
  --times=N        each server runs N times. Default: 5
  --report         writes the table into bench/peers/report.md`;

/** @throws Error that names the option which is unknown or has a wrong value */
export function parsePeersCommandLine(args: string[]): (options: BenchOptions) => Promise<Result> {
  const numberOptions = Object.fromEntries(NUMBERS.map((name) => [name, { type: 'string' } as const]));
  const { values } = parseArgs({ args, options: { ...numberOptions, report: { type: 'boolean' } } });
  const { report = false, ...texts } = values;
  const numbers = Object.entries(texts).map(([name, text]) => [name, parseCount(name, `${text}`)]);
  return (options) => comparePeers({ ...options, ...Object.fromEntries(numbers), report });
}
