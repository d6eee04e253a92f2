import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { variables } from '../shared/config.ts';
import { QUEUES } from '../shared/contract/jobs.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (name: string) => readFileSync(join(root, name), 'utf8');

interface ComposeService {
  build?: string;
  command?: string;
  environment?: Record<string, unknown>;
  depends_on?: Record<string, { condition: string }>;
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, ComposeService> };
const ours = Object.entries(compose.services).filter(([, service]) => service.build);

/** The gcloud steps of cloudbuild.yaml: their words, and what their flags say. */
const deployments = (parse(read('cloudbuild.yaml')) as { steps: { entrypoint?: string; args: string[] }[] }).steps
  .filter(({ entrypoint }) => entrypoint === 'gcloud')
  .map(({ args }) => ({
    words: args.filter((word) => !word.startsWith('--')).join(' '),
    flags: new Map(
      args.filter((word) => word.startsWith('--')).map((word) => word.split(/=(.*)/s) as [string, string]),
    ),
  }));

const assertVariables = (names: string[]) =>
  assert.deepEqual(
    names.filter((name) => !(name in variables)),
    [],
  );

/** What a process cannot start without, by its command. */
const NEEDS: Record<string, string[]> = {
  'gateway/main.ts': ['DATABASE_URL', 'REDIS_URL', 'API_SECRET'],
  'workers/main.ts persistence': ['DATABASE_URL', 'REDIS_URL'],
  'workers/main.ts otp-email': ['DATABASE_URL', 'REDIS_URL', 'API_SECRET', 'SMTP_HOST'],
  'workers/main.ts role-changes': ['DATABASE_URL', 'REDIS_URL'],
  'sql/main.ts': ['DATABASE_URL'],
};
const COMMANDS = Object.keys(NEEDS).toSorted();
const isMain = (main: string | undefined) => COMMANDS.some((command) => command.split(' ')[0] === main);

test('docker-compose.yml starts every process, with variables that exist, after what it needs', () => {
  const commands = ours.map(([, { command }]) => command?.replace(/^node /, '') as string);
  assert.deepEqual(commands.toSorted(), COMMANDS);
  for (const [, { command, environment = {}, depends_on = {} }] of ours) {
    const [main = '', kind = ''] = (command ?? '').split(' ').slice(1);
    assert.ok(existsSync(join(root, main)), main);
    assertVariables(Object.keys(environment));
    const needed = NEEDS[`${main} ${kind}`.trim()] ?? [];
    for (const name of needed) assert.ok(environment[name], `${command} needs ${name}`);
    for (const name of Object.keys(depends_on)) assert.ok(compose.services[name], name);
  }
  for (const name of ['postgres', 'redis', 'mail']) assert.ok(compose.services[name], name);
});

test('Procfile names commands that exist', () => {
  const lines = read('Procfile')
    .trim()
    .split('\n')
    .map((line) => line.split(/: (.*)/) as [string, string]);
  assert.deepEqual(
    lines.map(([name]) => name),
    ['release', 'gateway', ...QUEUES],
  );
  const { scripts } = JSON.parse(read('package.json'));
  const started = lines.map(([, command]) => {
    const [script = '', kind] = command.replace('npm run ', '').split(' -- ');
    return [scripts[script]?.split(' ').at(-1), kind].join(' ').trim();
  });
  assert.deepEqual(started.toSorted(), COMMANDS);
});

test('cloudbuild.yaml migrates, then deploys each kind of worker and the gateway, with variables that exist', () => {
  const commandOf = ({ flags }: (typeof deployments)[number]) => flags.get('--args')?.replace(',', ' ') as string;
  const commands = deployments.map(commandOf);
  assert.deepEqual(commands.toSorted(), COMMANDS);
  const words = deployments.map((each) => each.words);
  assert.deepEqual(words, [
    'run jobs deploy rooms-migrate',
    'run worker-pools deploy rooms-persistence',
    'run worker-pools deploy rooms-role-changes',
    'run worker-pools deploy rooms-otp-email',
    'run deploy rooms-gateway',
  ]);
  for (const deployment of deployments) {
    const { flags } = deployment;
    const given = [flags.get('--set-secrets'), flags.get('--set-env-vars')].join().split(',').filter(Boolean);
    const names = given.map((pair) => pair.split('=')[0] as string);
    assertVariables(names);
    for (const name of NEEDS[commandOf(deployment)] ?? []) assert.ok(names.includes(name), name);
  }
});

test('the Dockerfile copies all that the processes import, and starts one that exists', () => {
  const lines = read('Dockerfile').split('\n');
  const copied = lines.filter((line) => line.startsWith('COPY')).flatMap((line) => line.split(' ').slice(1, -1));
  assert.deepEqual(copied.toSorted(), ['gateway', 'package-lock.json', 'package.json', 'shared', 'sql', 'workers']);
  const [, main] = /^CMD \["node", "(.*)"\]$/m.exec(read('Dockerfile')) ?? [];
  assert.ok(isMain(main), main);
});

test('.env.example names every variable that a process reads', () => {
  const named = [...read('.env.example').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name as string);
  assert.deepEqual(named.toSorted(), Object.keys(variables).toSorted());
});
