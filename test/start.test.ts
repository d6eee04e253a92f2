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
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../shared/local/ports.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'rooms-start-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A checkout of its own, in a folder that only this user may enter and whose name has a space. */
const checkout = join(folder, 'a private place', 'rooms');
mkdirSync(dirname(checkout), { mode: 0o700, recursive: true });
for (const name of ['gateway', 'workers', 'shared', 'sql', 'package.json', 'package-lock.json']) {
  cpSync(join(root, name), join(checkout, name), { recursive: true });
}
symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
// A redis-server that was fetched for the tests need not be fetched again.
const fetched = join(process.env.ROOMS_HOME || join(root, '.rooms'), 'bin');
if (existsSync(fetched)) cpSync(fetched, join(checkout, '.rooms/bin'), { recursive: true });

const port = await freePort();

interface Start {
  process: ChildProcess;
  said: () => string;
  ended: Promise<unknown>;
}

/** This environment, without what says where Rooms runs already. */
function clean(): NodeJS.ProcessEnv {
  const { DATABASE_URL: _, REDIS_URL: __, ROOMS_HOME: ___, API_SECRET: ____, SMTP_HOST: _____, ...rest } = process.env;
  return rest;
}

function npmStart(env: Record<string, string> = {}): Start {
  const child = spawn('npm', ['start'], { cwd: checkout, env: { ...clean(), PORT: `${port}`, ...env } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  after(() => child.kill('SIGKILL'));
  return { process: child, said: () => said, ended: once(child, 'exit') };
}

async function saying({ said, process, ended }: Start, words: string): Promise<void> {
  while (!said().includes(words)) {
    assert.equal(process.exitCode, null, said());
    await Promise.race([once(process.stdout as Readable, 'data'), ended]);
  }
}

/** The processes that work in the checkout: its own, and the Postgres and Redis that it started. */
function processesOfCheckout(): { pid: number; words: string }[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => ({ pid: Number(pid), words: wordsOf(pid) })).filter(({ words }) => words.includes(checkout));
}

function wordsOf(pid: string): string {
  try {
    return `${readlinkSync(`/proc/${pid}/cwd`)} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`;
  } catch {
    return ''; // has ended meanwhile
  }
}

/** Runs what was printed to be pasted, line by line as a shell would. @returns what it printed */
function paste(said: string): string {
  const script = said.slice(said.indexOf('URL='));
  const ending = 'socket.onmessage = ({ data }) => { console.log(data); if (data.includes("Ack")) socket.close(); };';
  writeFileSync(join(folder, 'conversation.sh'), script.replace(/socket\.onmessage = .*;/, ending));
  return execFileSync('bash', [join(folder, 'conversation.sh')], { encoding: 'utf8', timeout: 20_000 });
}

test('npm start runs all, tells a conversation that works, and ends without a trace', async () => {
  const start = npmStart();
  await saying(start, 'Rooms runs at');
  await saying(start, '"$TOKEN" "$ROOM"');
  const printed = paste(start.said());
  const frames = printed
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  const heard = frames.map(({ firstName, text, command }) => firstName ?? text ?? command);
  assert.deepEqual(heard.toSorted(), ['Ack', 'First', 'Hello World!', 'Hello socket!', 'Welcome']);
  const names = processesOfCheckout()
    .map(({ words }) => words)
    .join('\n');
  for (const part of ['gateway/main.ts', 'workers/main.ts', 'postgres', 'redis-server'])
    assert.match(names, new RegExp(part));

  const mailed = saying(start, 'mail: Your code to create your account, to mail@example.com: ');
  const body = JSON.stringify({ email: 'mail@example.com' });
  const headers = { 'content-type': 'application/json' };
  await fetch(`http://127.0.0.1:${port}/api/users/send-otp`, { method: 'POST', headers, body });
  await mailed;
  const [, file] = /to mail@example\.com: (.*\.eml)/.exec(start.said()) ?? [];
  assert.match(readFileSync(file as string, 'utf8'), /\b\d{6} is your code/);

  const admin = (...words: string[]) =>
    execFileSync('npm', ['run', '--silent', 'admin', '--', ...words], {
      cwd: checkout,
      encoding: 'utf8',
      env: clean(),
    });
  assert.equal(admin('grant', 'first@example.com'), 'first@example.com is an admin\n');
  assert.equal(admin('admins'), 'first@example.com\n');

  const second = npmStart();
  await second.ended;
  assert.match(second.said(), new RegExp(`it runs already .*http://localhost:${port}`));
  assert.equal(admin('admins'), 'first@example.com\n');

  start.process.kill('SIGTERM');
  await start.ended;
  assert.deepEqual(processesOfCheckout(), []);
});

test('what was said before is there after a restart, and Ctrl-C ends it', async () => {
  const start = npmStart();
  await saying(start, '"$TOKEN" "$ROOM"');
  assert.match(paste(start.said()), /"code":"email_taken"/);
  start.process.kill('SIGINT');
  await start.ended;
  assert.deepEqual(processesOfCheckout(), []);
});

test('killed without a chance to stop anything, it leaves no process behind', async () => {
  const start = npmStart();
  await saying(start, '"$TOKEN" "$ROOM"');
  start.process.kill('SIGKILL');
  await start.ended;
  while (processesOfCheckout().length > 0) await wait(20);
});

test('a gateway that dies is started again', async () => {
  const start = npmStart();
  await saying(start, '"$TOKEN" "$ROOM"');
  const gateway = processesOfCheckout().find(({ words }) => words.includes('gateway/main.ts'));
  process.kill(gateway?.pid as number, 'SIGKILL');
  await saying(start, 'gateway ended (SIGKILL), starting it again');
  start.process.kill('SIGTERM');
  await start.ended;
});

test('a taken port is named, and so is a way out', async () => {
  const server = createServer().listen(0, '0.0.0.0');
  await once(server, 'listening');
  const taken = (server.address() as { port: number }).port;
  const start = npmStart({ PORT: `${taken}` });
  const [code] = (await start.ended) as [number];
  server.close();
  assert.equal(code, 1);
  assert.match(start.said(), new RegExp(`port ${taken} is taken .* PORT=${taken + 1} npm start`));
});

test('what is set wrongly is named before anything is started, whoever reads it', async () => {
  const start = npmStart({ API_SECRET: 'SecretSecretSecret', LANES: '0', RATE_WINDOW: 'abc' });
  const [code] = (await start.ended) as [number];
  assert.notEqual(code, 0);
  for (const name of ['API_SECRET', 'LANES', 'RATE_WINDOW'])
    assert.match(start.said(), new RegExp(`config: ${name} must`));
  assert.doesNotMatch(start.said(), /starting/);
});

const nowhere: Record<string, [url: string, service: string]> = {
  DATABASE_URL: ['postgres://postgres:password@127.0.0.1:1/rooms', 'postgres'],
  REDIS_URL: ['redis://127.0.0.1:1/0', 'redis'],
};
for (const [name, [url, service]] of Object.entries(nowhere)) {
  test(`a ${name} where nothing answers is named, and so are the ways out`, async () => {
    const start = npmStart({ [name]: url });
    const [code] = (await start.ended) as [number];
    assert.equal(code, 1, start.said());
    const reason = `${service} could not be started: ${name} is set, but .*ECONNREFUSED`;
    assert.match(start.said(), new RegExp(`${reason}.*\\n.*${name}.*docker compose up`));
    assert.deepEqual(processesOfCheckout(), []);
  });
}

test('where no redis-server can be had, it says which ways out there are', async () => {
  const home = join(folder, 'elsewhere');
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const name of ['node', 'npm', 'sh', 'setpriv', 'env']) {
    symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(bin, name));
  }
  const start = npmStart({ ROOMS_HOME: home, PATH: bin });
  const [code] = (await start.ended) as [number];
  assert.equal(code, 1, start.said());
  assert.match(
    start.said(),
    /redis could not be started: .*\n.*apt-get install redis-server.*REDIS_URL.*docker compose up/,
  );
});
