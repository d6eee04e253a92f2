import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { variables } from '../shared/config.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const MAINS = ['gateway/main.ts', 'sql/main.ts', 'workers/main.ts'];

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

/** What a process cannot start without. */
const NEEDS: Record<string, string[]> = {
  'gateway/main.ts': ['DATABASE_URL', 'REDIS_URL', 'API_SECRET'],
  'workers/main.ts': ['DATABASE_URL', 'REDIS_URL'],
  'sql/main.ts': ['DATABASE_URL'],
};

test('docker-compose.yml starts every process, with variables that exist, after what it needs', () => {
  const mains = ours.map(([, { command }]) => command?.replace(/^node /, '') as string);
  assert.deepEqual(mains.toSorted(), MAINS);
  for (const [, { command, environment = {}, depends_on = {} }] of ours) {
    const main = command?.replace(/^node /, '') as string;
    assert.ok(existsSync(join(root, main)), main);
    assertVariables(Object.keys(environment));
    for (const name of NEEDS[main] ?? []) assert.ok(environment[name], `${main} needs ${name}`);
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
    ['release', 'gateway', 'workers'],
  );
  const { scripts } = JSON.parse(read('package.json'));
  for (const [, command] of lines) {
    const script = scripts[command.replace('npm run ', '')];
    const main = script?.split(' ').at(-1);
    assert.ok(MAINS.includes(main), `${command}: ${script}`);
  }
});

test('cloudbuild.yaml migrates, then deploys the gateway and the workers, with variables that exist', () => {
  const mains = deployments.map(({ flags }) => flags.get('--args'));
  assert.deepEqual(mains, ['sql/main.ts', 'gateway/main.ts', 'workers/main.ts']);
  const words = deployments.map((each) => each.words);
  assert.deepEqual(words, [
    'run jobs deploy rooms-migrate',
    'run deploy rooms-gateway',
    'run worker-pools deploy rooms-workers',
  ]);
  for (const { flags } of deployments) {
    const given = [flags.get('--set-secrets'), flags.get('--set-env-vars')].join().split(',').filter(Boolean);
    const names = given.map((pair) => pair.split('=')[0] as string);
    assertVariables(names);
    for (const name of NEEDS[flags.get('--args') as string] ?? []) assert.ok(names.includes(name), name);
  }
});

test('the Dockerfile copies all that the processes import, and starts one that exists', () => {
  const lines = read('Dockerfile').split('\n');
  const copied = lines.filter((line) => line.startsWith('COPY')).flatMap((line) => line.split(' ').slice(1, -1));
  assert.deepEqual(copied.toSorted(), ['gateway', 'package-lock.json', 'package.json', 'shared', 'sql', 'workers']);
  const [, main] = /^CMD \["node", "(.*)"\]$/m.exec(read('Dockerfile')) ?? [];
  assert.ok(MAINS.includes(main as string), main);
});

test('.env.example names every variable that a process reads', () => {
  const named = [...read('.env.example').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name as string);
  assert.deepEqual(named.toSorted(), Object.keys(variables).toSorted());
});
