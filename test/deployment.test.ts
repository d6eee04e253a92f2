import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { parse } from 'yaml';
import { parseConfig, variables } from '../shared/config.ts';
import { QUEUES } from '../shared/contract/jobs.ts';
import { ORIGINAL_ENV } from './support/original-env.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (name: string) => readFileSync(join(root, name), 'utf8');

interface ComposeService {
  build?: string;
  command?: string;
  environment?: Record<string, unknown>;
  depends_on?: Record<string, { condition: string }>;
}

interface CloudBuild {
  steps: { entrypoint?: string; args: string[] }[];
}

interface Deployment {
  /** Such as `run deploy rooms-gateway`. */
  command: string;
  flags: Map<string, string>;
}

/** The command of each process, with the variables that the process needs to start. */
const requiredVariables: Record<string, string[]> = {
  'gateway/main.ts': ['DATABASE_URL', 'REDIS_URL', 'API_SECRET'],
  'workers/main.ts persistence': ['DATABASE_URL', 'REDIS_URL'],
  'workers/main.ts otp-email': ['DATABASE_URL', 'REDIS_URL', 'API_SECRET', 'SMTP_HOST'],
  'workers/main.ts role-changes': ['DATABASE_URL', 'REDIS_URL'],
  'sql/main.ts': ['DATABASE_URL'],
};
const commands = Object.keys(requiredVariables).toSorted();
const mainFiles = commands.map((command) => command.split(' ')[0] as string);

type Env = Record<string, string | undefined>;

/** Returns the services of docker-compose.yml that run Rooms. */
function ownServices(): [name: string, service: ComposeService][] {
  const { services } = parse(read('docker-compose.yml'), { merge: true });
  return Object.entries<ComposeService>(services).filter(([, { build }]) => build);
}

/** Returns the environment that docker compose gives to a service. `environment` wins over the file `.env`. */
function environmentOf({ environment = {} }: ComposeService, envFile: Env): Env {
  const entries = Object.entries(environment).map(([name, value]) => [name, interpolate(`${value}`, envFile)]);
  return { ...envFile, ...Object.fromEntries(entries) };
}

/** Replaces `${NAME:-default}` and `${NAME:?error}`, as docker compose does. @throws Error if a required one is empty */
function interpolate(text: string, env: Env): string {
  return text.replaceAll(/\$\{(\w+):([-?])(.*?)\}/g, (_, name: string, operator: string, word: string) => {
    if (operator === '?' && !env[name]) throw new Error(word);
    return env[name] || word;
  });
}

function assertAllExist(names: string[]): void {
  const unknown = names.filter((name) => !(name in variables));
  assert.deepEqual(unknown, []);
}

test('the profile for load tests lifts every limit that an operator can set', () => {
  const profile = parseEnv(read('bench/load.env'));
  const limits = Object.keys(variables).filter((name) => /(RATE|LIMIT|ATTEMPTS|_PER_\w+)$/.test(name));
  assert.deepEqual(Object.keys(profile).toSorted(), limits.toSorted());
  for (const [name, value] of Object.entries(parseConfig(profile, limits as (keyof typeof variables)[])))
    assert.equal(typeof value, 'number', name);
});

test('every main file that a deployment starts exists', () => {
  const missing = mainFiles.filter((file) => !existsSync(join(root, file)));
  assert.deepEqual(missing, []);
});

test('docker-compose.yml starts every process with its required variables', () => {
  const { services } = parse(read('docker-compose.yml'), { merge: true }) as {
    services: Record<string, ComposeService>;
  };
  for (const name of ['postgres', 'redis', 'mail']) assert.ok(services[name], name);
  const own = ownServices().map(([, service]) => service);
  const started = own.map(({ command = '' }) => command.replace(/^node /, ''));
  assert.deepEqual(started.toSorted(), commands);
  own.forEach(({ environment = {}, depends_on = {} }, index) => {
    assertAllExist(Object.keys(environment));
    const command = started[index] as string;
    for (const name of requiredVariables[command] ?? []) assert.ok(environment[name], `${command} lacks ${name}`);
    for (const name of Object.keys(depends_on)) assert.ok(services[name], name);
  });
});

test('with the .env of the original, every container starts in dev with the Postgres and Redis of docker compose', () => {
  const original = parseEnv(ORIGINAL_ENV) as Env;
  for (const [name, service] of ownServices()) {
    const env = environmentOf(service, { ...original, DATABASE_URL: 'postgres://other', REDIS_URL: 'redis://other' });
    const required = requiredVariables[service.command?.replace(/^node /, '') as string] as (keyof typeof variables)[];
    const config = parseConfig(env, [...required, 'ENVIRONMENT']);
    const { DATABASE_URL, REDIS_URL, ENVIRONMENT } = env;
    const expected = { DATABASE_URL: original.DATABASE_URL, REDIS_URL: original.REDIS_URL, ENVIRONMENT: 'dev' };
    assert.deepEqual({ DATABASE_URL, REDIS_URL, ENVIRONMENT }, expected, name);
    assert.equal(config.ENVIRONMENT, 'dev');
  }
});

test('docker compose runs in dev and accepts a token in the URL, unless .env sets something else', () => {
  const [, gateway] = ownServices().find(([name]) => name === 'gateway') as [string, ComposeService];
  const API_SECRET = 'an example of a secret with 32 characters';
  const configOf = (env: Env) =>
    parseConfig(environmentOf(gateway, { API_SECRET, ...env }), ['ENVIRONMENT', 'WS_QUERY_TOKEN', 'API_SECRET']);
  assert.deepEqual(configOf({}), { API_SECRET, ENVIRONMENT: 'dev', WS_QUERY_TOKEN: true });
  const production = { ENVIRONMENT: 'production' };
  assert.deepEqual(configOf(production), { API_SECRET, ...production, WS_QUERY_TOKEN: true });
  assert.equal(configOf({ WS_QUERY_TOKEN: 'false' }).WS_QUERY_TOKEN, false);
  assert.throws(() => configOf({ ...production, API_SECRET: 'SecretSecretSecret' }), /config: API_SECRET must/);
  assert.throws(() => configOf({ API_SECRET: '' }), /set API_SECRET/);
});

test('the Procfile starts every process with npm scripts that exist', () => {
  const { scripts } = JSON.parse(read('package.json'));
  const entries = [...read('Procfile').matchAll(/^(.+): npm run (\w+)(?: -- (.+))?$/gm)];
  const names = entries.map(([, name]) => name);
  assert.deepEqual(names, ['release', 'gateway', ...QUEUES]);
  const started = entries.map(([, , script = '', kind = '']) => `${scripts[script]?.split(' ').at(-1)} ${kind}`.trim());
  assert.deepEqual(started.toSorted(), commands);
});

test('cloudbuild.yaml migrates the database, deploys the workers and then deploys the gateway', () => {
  const { steps } = parse(read('cloudbuild.yaml')) as CloudBuild;
  const deployments = steps.filter(({ entrypoint }) => entrypoint === 'gcloud').map(parseDeployment);
  assert.deepEqual(
    deployments.map(({ command }) => command),
    [
      'run jobs deploy rooms-migrate',
      'run worker-pools deploy rooms-persistence',
      'run worker-pools deploy rooms-role-changes',
      'run worker-pools deploy rooms-otp-email',
      'run deploy rooms-gateway',
    ],
  );
  const started = deployments.map(({ flags }) => flags.get('--args')?.replace(',', ' ') as string);
  assert.deepEqual(started.toSorted(), commands);
  deployments.forEach(({ flags }, index) => {
    const pairs = [flags.get('--set-secrets'), flags.get('--set-env-vars')].join().split(',').filter(Boolean);
    const names = pairs.map((pair) => pair.split('=')[0] as string);
    assertAllExist(names);
    const command = started[index] as string;
    for (const name of requiredVariables[command] ?? []) assert.ok(names.includes(name), `${command} lacks ${name}`);
  });
});

function parseDeployment({ args }: CloudBuild['steps'][number]): Deployment {
  const isFlag = (word: string) => word.startsWith('--');
  const flags = args.filter(isFlag).map((flag) => flag.split(/=(.*)/s) as [string, string]);
  return { command: args.filter((word) => !isFlag(word)).join(' '), flags: new Map(flags) };
}

test('the Dockerfile copies every folder that the processes import, the built client and the built page', () => {
  const [, clientStage = '', stage = ''] = read('Dockerfile').split(/^FROM/m);
  assert.match(clientStage, /AS built\n[\s\S]*^RUN npm run build$/m);
  assert.match(stage, /^COPY --from=built \/rooms\/shared\/client\/dist shared\/client\/dist$/m);
  assert.match(stage, /^COPY --from=built \/rooms\/gateway\/page\/dist gateway\/page\/dist$/m);
  const lines = stage.split('\n').filter((line) => !line.includes('--from='));
  const copied = lines.filter((line) => line.startsWith('COPY')).flatMap((line) => line.split(' ').slice(1, -1));
  assert.deepEqual(copied.toSorted(), ['gateway', 'package-lock.json', 'package.json', 'shared', 'sql', 'workers']);
});

test('the Dockerfile starts a main file', () => {
  const [, main = ''] = /^CMD \["node", "(.*)"\]$/m.exec(read('Dockerfile')) ?? [];
  assert.ok(mainFiles.includes(main), main);
});

/** Only `npm start` sets it, for its own gateway. */
const SET_BY_NPM_START = 'CAUGHT_MAILS';

test('.env.example names every variable with a valid value', () => {
  const pairs = [...read('.env.example').matchAll(/^(?:# )?([A-Z_]+)=(.*)$/gm)];
  const example = Object.fromEntries(pairs.map(([, name, value]) => [name as string, value as string]));
  const names = (Object.keys(variables) as (keyof typeof variables)[]).filter((name) => name !== SET_BY_NPM_START);
  assert.deepEqual(Object.keys(example).toSorted(), [...names, 'ROOMS_HOME'].toSorted());
  assert.equal(example.API_SECRET, '', 'the example contains a secret');
  parseConfig({ ...example, API_SECRET: 'an example of a secret with 32 characters' }, names);
});

test('.env.example shows the default of every variable that has no comment "Example"', () => {
  const VARIABLES_WITH_EXAMPLE = [
    'DATABASE_URL',
    'REDIS_URL',
    'API_SECRET',
    'METRICS_PORT',
    'TRUSTED_PROXIES',
    'CONNECTIONS',
  ];
  const MAIL_VARIABLES_WITH_EXAMPLE = ['SMTP_HOST', 'EMAIL', 'EMAIL_PASSWORD'];
  const names = (Object.keys(variables) as (keyof typeof variables)[]).filter(
    (name) => ![...VARIABLES_WITH_EXAMPLE, ...MAIL_VARIABLES_WITH_EXAMPLE, SET_BY_NPM_START].includes(name),
  );
  const pairs = [...read('.env.example').matchAll(/^# ([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
  assert.deepEqual(parseConfig(Object.fromEntries(pairs), names), parseConfig({}, names));
});
