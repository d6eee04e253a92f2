import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment, readConfig, setDefault, variables } from '../config.ts';
import { LOCALLY_SET_VARIABLES, LocalRooms } from './local-rooms.ts';
import { ServiceError } from './service-error.ts';

// npm start: starts all of Rooms on this machine, and stops it on Ctrl-C.

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
setDefault('ENVIRONMENT', 'dev');
const env = environment({});

/** The variables to read now, so that a wrong value is found before anything starts. */
function namesToRead(): (keyof typeof variables)[] {
  const unset = new Set<string>(LOCALLY_SET_VARIABLES.filter((name) => !env[name]));
  return (Object.keys(variables) as (keyof typeof variables)[]).filter((name) => !unset.has(name));
}

function explain(error: Error): string {
  return error instanceof ServiceError ? error.message : `Rooms could not be started: ${error.message}`;
}

const print = (line: string) => void process.stdout.write(`${line}\n`);
const home = resolve(env.ROOMS_HOME || join(root, '.rooms'));
const rooms = new LocalRooms({ home, config: readConfig(...namesToRead()), print });

const exitCode = await new Promise<number>((exit) => {
  const fail = (explanation: string) => {
    print(explanation);
    exit(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => exit(0));
  rooms.failed.then(fail, fail);
  rooms.start().catch((error) => fail(explain(error)));
});
await rooms.stop();
process.exit(exitCode);
