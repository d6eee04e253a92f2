import { parseCommandLine, usage } from './command-line.ts';
import type { Result } from './measure.ts';
import { PEERS_USAGE, parsePeersCommandLine } from './peers/command-line.ts';
import type { BenchOptions } from './with-cluster.ts';
import { withServices } from './with-services.ts';

const EXIT_USAGE = 64;
const MAX_PRINTED_ERRORS = 20;

const print = (line: string) => void process.stdout.write(`${line}\n`);

const run = readCommandLine();
const { errors } = await withServices(print, (services) => run({ ...services, print }));
for (const error of errors.slice(0, MAX_PRINTED_ERRORS)) print(`ERROR: ${error}`);
print(errors.length > 0 ? `${errors.length} errors` : 'no errors');
process.exitCode = errors.length === 0 ? 0 : 1;

/** `peers` starts its servers itself, so it is not one of the scenarios and has its own options. */
function readCommandLine(): (options: BenchOptions) => Promise<Result> {
  const [name, ...args] = process.argv.slice(2);
  try {
    return name === 'peers' ? parsePeersCommandLine(args) : parseCommandLine(process.argv.slice(2));
  } catch (error) {
    print(`${(error as Error).message}\n\n${usage()}\n${PEERS_USAGE}`);
    process.exit(EXIT_USAGE);
  }
}
