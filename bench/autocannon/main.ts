import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import autocannon, { type Result } from 'autocannon';
import * as v from 'valibot';
import { LOAD_USERS_PATH, LoadUsersFile } from '../../shared/load-users-file.ts';
import { type Load, loads } from './loads.ts';

const USAGE = `npm run autocannon -- reads | writes | login
  sends requests as fast as the server answers, and prints requests per second and latencies
  --url=http://localhost:8080  the URL of a gateway or of a load balancer
  --seconds=10                 how long requests of each kind are sent
  --requests=<number>          ends each kind after this many requests, and not after some seconds
  --connections=20             how many connections send requests, each one after the other; 2 for login
  --users=<path>               the file of "npm run admin -- load-users", instead of ${LOAD_USERS_PATH}
`;
const EXIT_USAGE = 64;
const ANSWER_TIMEOUT_S = 30;

const print = (line: string) => void process.stdout.write(`${line}\n`);

interface CommandLine {
  loads: Load[];
  url: string;
  /** How long requests of each kind are sent, or how many: see {@link autocannon.Options}. */
  end: { duration: number } | { amount: number };
  connections: number;
  users: string;
}

/** @throws Error that says what is wrong */
function readCommandLine(): CommandLine {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string', default: 'http://localhost:8080' },
      seconds: { type: 'string', default: '10' },
      requests: { type: 'string' },
      connections: { type: 'string' },
      users: { type: 'string', default: LOAD_USERS_PATH },
    },
  });
  const [name = ''] = positionals;
  if (positionals.length !== 1 || !Object.hasOwn(loads, name)) throw new Error('name one kind of load');
  if (!URL.canParse(values.url)) throw new Error('--url must be a URL');
  return {
    loads: loads[name as keyof typeof loads],
    url: new URL(values.url).origin,
    end: values.requests
      ? { amount: readCount('--requests', values.requests) }
      : { duration: readCount('--seconds', values.seconds) },
    // A gateway hashes two passwords at the same time. More connections would only wait.
    connections: readCount('--connections', values.connections ?? (name === 'login' ? '2' : '20')),
    users: values.users,
  };
}

function readCount(option: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${option} must be a whole number, at least 1`);
  return Number(text);
}

/** @throws Error if the file does not exist or is not the file of `npm run admin -- load-users` */
function readUsers(path: string): LoadUsersFile {
  try {
    return v.parse(LoadUsersFile, JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new Error(`${(error as Error).message}. First make load users: npm run admin -- load-users 1000`);
  }
}

/** Each connection has its own user, and the next connection a user of the next room. */
function run(load: Load, { rooms, password }: LoadUsersFile, { url, end, connections }: CommandLine) {
  let connection = 0;
  return autocannon({
    url,
    connections,
    ...end,
    timeout: ANSWER_TIMEOUT_S,
    setupClient(client) {
      const room = rooms[connection % rooms.length] as LoadUsersFile['rooms'][number];
      const user = room.users[Math.floor(connection / rooms.length) % room.users.length];
      connection++;
      client.setRequests(load.requests(room, user as (typeof room.users)[number], password));
    },
  });
}

function describe({ name }: Load, { '2xx': successes, duration, latency }: Result): string {
  const rate = (successes / duration).toFixed(1).padStart(8);
  const latencies = `p50 ${latency.p50}, p99 ${latency.p99}, max ${latency.max} ms`;
  return `  ${name.padEnd(16)} ${rate} requests/s  ${latencies} (${successes} successes)`;
}

/** @returns one line for each kind of failure */
function failuresOf({ errors, timeouts, statusCodeStats, '2xx': successes }: Result): string[] {
  const refusals = Object.entries(statusCodeStats ?? {}).filter(([status]) => !status.startsWith('2'));
  return [
    ...refusals.map(([status, { count }]) => `${count} answers with status ${status}`),
    ...(errors > 0 ? [`${errors} errors, ${timeouts} of them without an answer in time`] : []),
    ...(successes === 0 ? ['no answer'] : []),
  ];
}

async function main(): Promise<number> {
  const commandLine = readCommandLine();
  const users = readUsers(commandLine.users);
  const { loads, url, end, connections } = commandLine;
  const length = 'amount' in end ? `${end.amount} requests` : `${end.duration} s`;
  print(`${url}, ${connections} connections, ${length} of each kind:`);
  let exitCode = 0;
  for (const load of loads) {
    const result = await run(load, users, commandLine);
    print(describe(load, result));
    for (const failure of failuresOf(result)) {
      print(`    ${failure}`);
      exitCode = 1;
    }
  }
  return exitCode;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
  process.exitCode = EXIT_USAGE;
}
