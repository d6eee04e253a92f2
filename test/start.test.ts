import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { binaries } from '../bench/with-services.ts';
import { freePort } from '../shared/local/ports.ts';
import { ORIGINAL_ENV } from './support/original-env.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'rooms-start-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The tests use a copy of the checkout. Only this user may enter its folder, and its path contains a space. */
const checkout = join(folder, 'a private place', 'rooms');
mkdirSync(dirname(checkout), { mode: 0o700, recursive: true });
for (const name of ['gateway', 'workers', 'shared', 'sql', 'package.json', 'package-lock.json']) {
  cpSync(join(root, name), join(checkout, name), { recursive: true });
}
symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
// Without this copy, npm start would download redis-server again.
if (existsSync(binaries)) cpSync(binaries, join(checkout, '.rooms/bin'), { recursive: true });

const port = await freePort();
const READY = '"$ROOM" "$ANN" "$BOB"';
const REMOVED_VARIABLES = [
  'DATABASE_URL',
  'REDIS_URL',
  'ROOMS_HOME',
  'API_SECRET',
  'SMTP_HOST',
  'ENVIRONMENT',
  'WS_QUERY_TOKEN',
];

interface Start {
  process: ChildProcess;
  output: () => string;
  /** Resolves with the exit code, or null after a signal. */
  ended: Promise<number | null>;
}

/** Returns the environment without the variables that name a running Postgres, Redis or Rooms. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !REMOVED_VARIABLES.includes(name)));
}

const children: ChildProcess[] = [];
after(() => children.map((child) => child.kill('SIGKILL')));

function npmStart(env: Record<string, string> = {}): Start {
  const child = spawn('npm', ['start'], { cwd: checkout, env: { ...cleanEnvironment(), PORT: `${port}`, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  children.push(child);
  return { process: child, output: () => output, ended: once(child, 'exit').then(([code]) => code) };
}

async function waitForOutput({ output, process, ended }: Start, text: string): Promise<void> {
  while (!output().includes(text)) {
    assert.equal(process.exitCode, null, output());
    await Promise.race([once(process.stdout as Readable, 'data'), ended]);
  }
}

async function startAndWaitUntilReady(): Promise<Start> {
  const start = npmStart();
  await waitForOutput(start, READY);
  return start;
}

/** Returns the processes that run in the checkout, including the Postgres and the Redis that it started. */
function processesOfCheckout(): { pid: number; command: string }[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .map((pid) => ({ pid: Number(pid), command: describeProcess(pid) }))
    .filter(({ command }) => command.includes(checkout));
}

/** @returns the folder and the command line of a process, or an empty text if the process has ended */
function describeProcess(pid: string): string {
  try {
    return `${readlinkSync(`/proc/${pid}/cwd`)} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`;
  } catch {
    return '';
  }
}

/** Runs the printed conversation in a shell. @returns the output of the shell, line by line */
function pasteConversation({ output }: Start): string[] {
  const script = join(folder, 'conversation.sh');
  writeFileSync(script, output().slice(output().indexOf('URL=')));
  return execFileSync('bash', [script], { encoding: 'utf8', timeout: 60_000 }).split('\n');
}

function npmRunAdmin(...words: string[]): string {
  const options = { cwd: checkout, encoding: 'utf8', env: cleanEnvironment() } as const;
  return execFileSync('npm', ['run', '--silent', 'admin', '--', ...words], options);
}

/** These tests run one after the other and use the same data folder. */
describe('npm start with the default settings', () => {
  let first: Start;

  test('npm start starts every process and prints how to use Rooms', async () => {
    first = await startAndWaitUntilReady();
    const printed = [
      `Open http://localhost:${port} in a browser`,
      `Data and logs are in ${checkout}`,
      'npm run admin',
      'URL=',
    ];
    assert.match(first.output(), new RegExp(printed.join('[\\s\\S]*')));
    const commands = processesOfCheckout().map(({ command }) => command);
    for (const part of ['gateway/main.ts', 'workers/main.ts', 'postgres', 'redis-server'])
      assert.ok(commands.join().includes(part), `${part} does not run: ${commands.join('\n')}`);
  });

  test('npm start uses ENVIRONMENT=dev if nothing else is set', async () => {
    const { headers } = await fetch(`http://127.0.0.1:${port}/healthz`);
    assert.equal(headers.get('strict-transport-security'), null);
  });

  test('the printed conversation works when it is pasted into a shell', () => {
    const lines = pasteConversation(first);
    const answers = lines.filter((line) => /^[{[]/.test(line)).map((line) => JSON.parse(line));
    const texts = answers.flat().map(({ firstName, text }) => firstName ?? text);
    const history = ['Hello Bob', 'Bob joined the room', 'Room created'];
    assert.deepEqual(texts, ['Ann', 'Bob', 'Bob joined the room', 'Hello Bob', ...history]);
    const printed = lines.join('\n');
    assert.match(printed, /^Bob receives .*"Are you there, Bob\?"/m);
    assert.match(printed, /^Ann receives .*"Yes, Ann"/m);
    assert.match(printed, /^Ann is disconnected/m);
    assert.match(printed, /^Bob is disconnected/m);
  });

  test('npm start writes each mail to a file and prints the name of the file', async () => {
    const printed = waitForOutput(first, 'mail: Your code to create your account, to mail@example.com: ');
    const body = JSON.stringify({ email: 'mail@example.com' });
    const headers = { 'content-type': 'application/json' };
    await fetch(`http://127.0.0.1:${port}/api/users/send-otp`, { method: 'POST', headers, body });
    await printed;
    const [, file = ''] = /to mail@example\.com: (.*\.eml)/.exec(first.output()) ?? [];
    const [, code] = /\b(\d{6}) is your code/.exec(readFileSync(file, 'utf8')) ?? [];
    const shown = await fetch(`http://127.0.0.1:${port}/api/mailed-codes/mail@example.com`);
    assert.equal(((await shown.json()) as { code: string }[])[0]?.code, code);
  });

  test('npm run admin finds the database of the running Rooms', () => {
    assert.equal(npmRunAdmin('grant', 'ann@example.com'), 'ann@example.com is an admin\n');
    assert.equal(npmRunAdmin('admins'), 'ann@example.com\n');
  });

  test('a second npm start exits and leaves the first one intact', async () => {
    const second = npmStart();
    assert.equal(await second.ended, 1);
    assert.match(second.output(), new RegExp(`it already runs .*http://localhost:${port}`));
    assert.equal(npmRunAdmin('admins'), 'ann@example.com\n');
  });

  test('npm start starts a killed gateway again', async () => {
    const findGateway = () => processesOfCheckout().find(({ command }) => command.includes('gateway/main.ts'))?.pid;
    const killed = findGateway() as number;
    process.kill(killed, 'SIGKILL');
    await waitForOutput(first, 'gateway ended (SIGKILL), starting it again');
    while ([undefined, killed].includes(findGateway())) await wait(20);
  });

  test('npm start stops every process on SIGTERM', async () => {
    first.process.kill('SIGTERM');
    await first.ended;
    assert.deepEqual(processesOfCheckout(), []);
  });

  let restarted: Start;

  test('the accounts exist after a restart', async () => {
    restarted = await startAndWaitUntilReady();
    const lines = pasteConversation(restarted);
    assert.equal(lines.filter((line) => line.includes('"code":"email_taken"')).length, 2, lines.join('\n'));
  });

  test('npm start stops every process on SIGINT', async () => {
    restarted.process.kill('SIGINT');
    await restarted.ended;
    assert.deepEqual(processesOfCheckout(), []);
  });

  let withOriginalEnv: Start;

  test('npm start with the .env of the original uses its own services and prints what it changes', async () => {
    writeFileSync(join(checkout, '.env'), ORIGINAL_ENV);
    withOriginalEnv = await startAndWaitUntilReady();
    const output = withOriginalEnv.output();
    for (const name of ['DATABASE_URL', 'REDIS_URL'])
      assert.match(output, new RegExp(`^${name} is ignored: its host exists only in docker compose`, 'm'));
    assert.match(output, /^warning: API_SECRET must have at least 32 characters: openssl rand -base64 32/m);
    assert.doesNotMatch(output, /SecretSecretSecret/);
    assert.equal(npmRunAdmin('admins'), 'ann@example.com\n');
  });

  test('with the .env of the original, the printed conversation and a token in the URL of a socket work', async () => {
    assert.match(pasteConversation(withOriginalEnv).join('\n'), /^Ann receives .*"Yes, Ann"/m);
    const body = JSON.stringify({ email: 'ann@example.com', password: 'a password' });
    const headers = { 'content-type': 'application/json' };
    const login = await fetch(`http://127.0.0.1:${port}/api/users/login`, { method: 'POST', headers, body });
    const { token } = (await login.json()) as { token: string };
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/ws/?token=${token}`);
    await once(socket, 'open');
    socket.send(JSON.stringify({ command: 'CreateRoom', text: 'a room of an old client' }));
    const [{ data }] = await once(socket, 'message');
    assert.equal(JSON.parse(data).command, 'CreateRoom', data);
    socket.close();
  });

  test('no process is left after npm start was killed with SIGKILL', async () => {
    withOriginalEnv.process.kill('SIGKILL');
    await withOriginalEnv.ended;
    rmSync(join(checkout, '.env'));
    while (processesOfCheckout().length > 0) await wait(20);
  });

  test('npm start without a usable redis-server prints three remedies and leaves no process', async () => {
    rmSync(join(checkout, '.rooms/bin'), { recursive: true, force: true });
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    for (const name of ['node', 'npm', 'sh', 'setpriv', 'env'])
      symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(bin, name));
    const start = npmStart({ PATH: bin });
    assert.equal(await start.ended, 1, start.output());
    const remedies = 'apt-get install redis-server.*REDIS_URL.*docker compose up';
    assert.match(start.output(), new RegExp(`redis could not be started: .*\n.*${remedies}`));
    assert.deepEqual(processesOfCheckout(), []);
  });
});

/** Each of these tests has its own data folder, so the tests run at the same time. */
describe('npm start with wrong settings', { concurrency: true }, () => {
  const startAndExpectExit = async (env: Record<string, string>) => {
    const home = mkdtempSync(join(folder, 'home-'));
    // Each start listens on its port for a moment, so each needs its own.
    const start = npmStart({ ROOMS_HOME: home, PORT: `${await freePort()}`, ...env });
    const started = waitForOutput(start, READY).then(() => assert.fail('it did not exit'));
    const code = await Promise.race([start.ended, started]);
    assert.deepEqual(
      processesOfCheckout().filter(({ command }) => command.includes(home)),
      [],
    );
    return { code, output: start.output() };
  };

  test('npm start with a port that is taken suggests another port', async () => {
    const server = createServer().listen(0, '0.0.0.0');
    await once(server, 'listening');
    const { port: taken } = server.address() as AddressInfo;
    const { code, output } = await startAndExpectExit({ PORT: `${taken}` });
    server.close();
    assert.equal(code, 1, output);
    assert.match(output, new RegExp(`port ${taken} is taken .* PORT=${taken + 1} npm start`));
  });

  test('npm start names every invalid variable before it starts a process', async () => {
    const { code, output } = await startAndExpectExit({
      ENVIRONMENT: 'production',
      API_SECRET: 'SecretSecretSecret',
      LANES: '0',
      RATE_WINDOW: 'abc',
    });
    assert.equal(code, 78, output);
    for (const name of ['API_SECRET', 'LANES', 'RATE_WINDOW']) assert.match(output, new RegExp(`config: ${name} must`));
    assert.doesNotMatch(output, /starting/);
  });

  const namesOfCompose = {
    DATABASE_URL: 'postgres://postgres:password@postgres:5432/rooms',
    REDIS_URL: 'redis://:password@redis:6379/0',
  };
  for (const [name, url] of Object.entries(namesOfCompose)) {
    test(`npm start in production does not ignore a ${name} of docker compose`, async () => {
      const { code, output } = await startAndExpectExit({ ENVIRONMENT: 'production', [name]: url });
      assert.equal(code, 1, output);
      assert.match(output, new RegExp(`could not be started: ${name} is set, but`));
    });
  }

  const unreachable = {
    DATABASE_URL: ['postgres://postgres:password@127.0.0.1:1/rooms', 'postgres'],
    REDIS_URL: ['redis://127.0.0.1:1/0', 'redis'],
  } as const;
  for (const [name, [url, service]] of Object.entries(unreachable)) {
    test(`npm start with a ${name} that does not answer prints two remedies`, async () => {
      const { code, output } = await startAndExpectExit({ [name]: url });
      assert.equal(code, 1, output);
      const reason = `${service} could not be started: ${name} is set, but .*ECONNREFUSED`;
      assert.match(output, new RegExp(`${reason}.*\n.*${name}.*docker compose up`));
    });
  }
});
