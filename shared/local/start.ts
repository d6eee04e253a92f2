import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { environment, readConfig, variables } from '../config.ts';
import { Failure } from './failure.ts';
import { firstSteps } from './first-steps.ts';
import { lockInstance } from './instance-lock.ts';
import { type MailCatcher, startMailCatcher, writeMail } from './mail.ts';
import { isPortTaken } from './ports.ts';
import { readSecrets, type Services, startServices, stopChildren } from './services.ts';
import { type Supervised, supervise } from './supervise.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const given = environment({});
const home = resolve(given.ROOMS_HOME || join(root, '.rooms'));
const isMade = (name: keyof typeof variables) =>
  ['DATABASE_URL', 'REDIS_URL', 'API_SECRET', 'SMTP_HOST'].includes(name) && !given[name];
// All that is set is looked at here, so that nothing is started only to fall over it.
const names = (Object.keys(variables) as (keyof typeof variables)[]).filter((name) => !isMade(name));
const config = readConfig(...names);
const { HOST, PORT } = config;
const url = `http://localhost:${PORT}`;
const mails = join(home, 'mail');
const running = join(home, 'running.env');

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0));

let services: Services | undefined;
let processes: Supervised[] = [];
let catcher: MailCatcher | undefined;
let told = false;
let stopping = false;

try {
  await start();
} catch (error) {
  const { message } = error as Error;
  if (!stopping) say(error instanceof Failure ? message : `Rooms could not be started: ${message}`);
  await stop(1);
}

async function start(): Promise<void> {
  mkdirSync(join(home, 'logs'), { recursive: true, mode: 0o700 });
  const other = await lockInstance(home, `process ${process.pid}, ${url}`);
  if (other) throw new Error(`it runs already with the data of ${home} (${other})`);
  if (await isPortTaken(PORT, HOST)) {
    throw new Error(`port ${PORT} is taken by another program. Choose another: PORT=${PORT + 1} npm start`);
  }
  services = await startServices({
    home,
    binaries: join(home, 'bin'),
    databaseUrl: config.DATABASE_URL,
    redisUrl: config.REDIS_URL,
    say,
  });
  for (const child of services.children) void child.ended.then((how) => lost(child.name, how));
  const env = {
    DATABASE_URL: services.databaseUrl,
    REDIS_URL: services.redisUrl,
    API_SECRET: config.API_SECRET ?? readSecrets(home).apiSecret,
    ...(config.SMTP_HOST ? {} : await catchMails()),
  };
  // For whoever runs more beside it, and for npm run admin.
  told = true;
  writeFileSync(
    running,
    Object.entries(env)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join(''),
    { mode: 0o600 },
  );
  say('database: migrating');
  await promisify(execFile)(process.execPath, ['sql/main.ts'], { cwd: root, env: environment(env) }).catch((error) => {
    throw new Error(`the database could not be migrated:\n${error.stdout}${error.stderr}`);
  });
  if (stopping) return;
  processes = ['gateway', 'workers'].map((name) => {
    const output = join(home, 'logs', `${name}.log`);
    // Two processes cannot share that port; it is the workers that have something of Rooms to show there.
    const own = name === 'gateway' ? { ...env, METRICS_PORT: '' } : env;
    const command = [process.execPath, `${name}/main.ts`];
    return supervise({ name, command, cwd: root, env: own, output }, say, lost);
  });
  say('gateway, workers: starting');
  while (!stopping && !(await isReady())) await wait(100);
  if (!stopping) say(firstSteps({ url, home, root, mails: catcher && mails }));
}

/** Without a mail server of one's own, mails become files. */
async function catchMails(): Promise<Record<string, string>> {
  catcher = await startMailCatcher((mail) => say(`mail: ${mail.subject}, to ${mail.to}: ${writeMail(mails, mail)}`));
  return { SMTP_HOST: '127.0.0.1', SMTP_PORT: `${catcher.port}`, EMAIL_PASSWORD: '' };
}

async function isReady(): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${PORT}/readyz`)).ok;
  } catch {
    return false;
  }
}

/** Without one of its parts nothing works: better to end, visibly. */
function lost(name: string, how: string): void {
  if (stopping) return;
  say(`${name} ended unexpectedly (${how}); its log is in ${home}`);
  void stop(1);
}

/** First those who take in work, then those who do it, then what they do it with. */
async function stop(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  if (services) say('\nstopping');
  for (const each of processes) await each.stop();
  await catcher?.close();
  // Not that of another one, which was found to run already.
  if (told) rmSync(running, { force: true });
  await stopChildren(services?.children ?? []);
  process.exit(code);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
