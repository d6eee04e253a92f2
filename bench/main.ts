import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startServices, stopChildren } from '../shared/local/services.ts';
import { type SmokeOptions, smoke } from './smoke.ts';
import { storm } from './storm.ts';
import { timing } from './timing.ts';

const USAGE = `npm run bench -- storm
  500 messages a second, in turns alone and under a storm of 200 clients that log in
npm run bench -- timing
  whether the time of a login's answer tells that there is such an account
npm run bench -- smoke [--rate=N | --window=N] [--messages=N] [--kill-worker]
  --rate=N       offer N messages a second (otherwise a closed loop, as fast as it goes)
  --window=N     in the closed loop, messages that each of the 200 sockets has in flight (5)
  --messages=N   how many in all (20000)
  --kill-worker  end one of the two workers with SIGKILL in the middle`;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (text: string) => process.stdout.write(`${text}\n`);
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rate: { type: 'string' },
    window: { type: 'string' },
    messages: { type: 'string' },
    'kill-worker': { type: 'boolean' },
  },
});

const [name = '', ...more] = positionals;
const runs: Record<string, () => Promise<string[]>> = {
  smoke: () => smoke(smokeOptions()),
  storm: () => storm({ ...services, say }),
  timing: () => timing({ ...services, say }),
};
const run = Object.hasOwn(runs, name) ? runs[name] : undefined;
if (!run || more.length > 0) {
  say(USAGE);
  process.exit(64);
}

const home = mkdtempSync(join(tmpdir(), 'rooms-bench-'));
const services = await startServices({
  home,
  binaries: join(resolve(process.env.ROOMS_HOME || join(root, '.rooms')), 'bin'),
  databaseUrl: process.env.DATABASE_URL || undefined,
  redisUrl: process.env.REDIS_URL || undefined,
  say,
});
try {
  const wrong = await run();
  for (const fact of wrong.slice(0, 20)) say(`WRONG: ${fact}`);
  const exact = name === 'timing' ? 'done' : 'exact: stored once, gapless, and seen by every member once and in order';
  say(wrong.length === 0 ? exact : `${wrong.length} wrong`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  await stopChildren(services.children);
  rmSync(home, { recursive: true, force: true });
}

function smokeOptions(): SmokeOptions {
  return {
    ...services,
    rate: values.rate ? Number(values.rate) : undefined,
    window: values.window ? Number(values.window) : undefined,
    messages: values.messages ? Number(values.messages) : undefined,
    killWorker: values['kill-worker'],
    say,
  };
}
