import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { routes } from '../gateway/app.ts';
import { clientFrames, closeActions, gatewayTexts } from '../gateway/docs/frames.ts';
import { callersOf, errorsOf, type Route } from '../gateway/http/route.ts';
import { cases } from '../shared/client/kit/cases.ts';
import { Report } from '../shared/client/kit/client-under-test.ts';
import { variables } from '../shared/config.ts';
import { Events, Room, User } from '../shared/contract/answers.ts';
import { commandNames } from '../shared/contract/commands.ts';
import { closeCodes, errors } from '../shared/contract/errors.ts';
import { gatewayFrames, isOtherFrame } from '../shared/contract/frame-lists.ts';
import { QUEUES } from '../shared/contract/jobs.ts';
import { limits } from '../shared/contract/limits.ts';
import { Message } from '../shared/contract/messages.ts';
import { conversation } from '../shared/local/first-steps.ts';
import { createMetrics } from '../shared/metrics.ts';
import { anchorsOf, blocksOf, codesOf, type Row, readTables, rowsUnder, withoutFences } from './support/markdown.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (name: string) => readFileSync(join(root, name), 'utf8');

const documents = globSync('{*.md,docs/**/*.md,bench/*.md,.github/**/*.md}', { cwd: root });
const api = read('docs/api.md');
const protocol = read('docs/protocol.md');
const conformance = read('docs/conformance.md');
const configuration = read('docs/configuration.md');
const operations = read('docs/operations.md');

/** Returns the first text in backticks of the first cell of a row, such as a route or the name of a limit. */
const subjectOf = (row: Row) => codesOf(Object.values(row)[0])[0] ?? Object.values(row)[0] ?? '';
const sameNames = (documented: string[], expected: string[]) => {
  const missing = expected.filter((name) => !documented.includes(name));
  const unknown = documented.filter((name) => !expected.includes(name));
  assert.deepEqual({ missing, unknown }, { missing: [], unknown: [] });
  assert.equal(documented.length, expected.length, 'a name is there twice');
};

test('docs/api.md has the same routes as the code', () => {
  const names = routes.map(({ method, path }) => `${method} ${path}`);
  sameNames(rowsUnder(api, 'Routes').map(subjectOf), names);
});

test('docs/api.md has the callers and the error codes of every route', () => {
  const expected = routes.map((row) => [`${row.method} ${row.path}`, callersOf(row), (row.errors ?? []).toSorted()]);
  const documented = rowsUnder(api, 'Routes').map((row) => [
    subjectOf(row),
    row.callers,
    codesOf(row.errors).toSorted(),
  ]);
  const byName = (rows: unknown[][]) => Object.fromEntries(rows.map(([name, ...rest]) => [name, rest]));
  assert.deepEqual(byName(documented), byName(expected));
});

test('docs/api.md has the error codes that each kind of route may return', () => {
  const kinds: ((row: Route) => unknown)[] = [
    () => true,
    (row) => !row.skipsRateLimit,
    (row) => row.body,
    (row) => row.parameters || row.query || row.body,
    (row) => callersOf(row) !== 'open',
    (row) => callersOf(row) !== 'open' && row.method === 'GET',
    (row) => callersOf(row) === 'admin',
    (row) => row.submits,
    (row) => row.submits === 'room command',
  ];
  const documented = rowsUnder(api, 'Errors of many routes').map((row) => codesOf(Object.values(row)[1]));
  assert.equal(documented.length, kinds.length);
  for (const row of routes) {
    const codes = documented.filter((_, index) => kinds[index]?.(row)).flat();
    sameNames([...new Set(codes)], errorsOf({ ...row, errors: [] }));
  }
});

test('docs/api.md has the bounds of every field', () => {
  const between = (name: 'NAME' | 'PHONE' | 'TEXT' | 'PASSWORD') =>
    `${limits[`MIN_${name}_CHARACTERS`]} to ${limits[`MAX_${name}_CHARACTERS`]}`;
  const bounds = {
    firstName: between('NAME'),
    lastName: between('NAME'),
    name: between('NAME'),
    text: between('TEXT'),
    password: between('PASSWORD'),
    phone: between('PHONE'),
    email: `at most ${limits.MAX_EMAIL_CHARACTERS}`,
    otp: '6',
  };
  const documented = rowsUnder(api, 'Fields').map((row) => [subjectOf(row), row.characters]);
  assert.deepEqual(Object.fromEntries(documented), bounds);
});

test('docs/api.md has the limit of every rate', () => {
  const { LOGIN_ATTEMPTS_FACTOR, OTP_MAILS_FACTOR, OTP_MAILS_OF_ADDRESS_FACTOR, ...rest } = limits;
  const expected = [
    [1, 'RATE_LIMIT'],
    [1, 'LOGIN_ATTEMPTS'],
    [LOGIN_ATTEMPTS_FACTOR, 'LOGIN_ATTEMPTS'],
    [LOGIN_ATTEMPTS_FACTOR, 'LOGIN_ATTEMPTS'],
    [1, 'LOGIN_ATTEMPTS'],
    [OTP_MAILS_OF_ADDRESS_FACTOR, 'LOGIN_ATTEMPTS'],
    [OTP_MAILS_FACTOR, 'LOGIN_ATTEMPTS'],
    [rest.WRONG_OTPS_FACTOR, 'LOGIN_ATTEMPTS'],
    [1, 'REGISTRATION_LIMIT'],
    [rest.SEARCHES_FACTOR, 'LOGIN_ATTEMPTS'],
    [rest.USER_WINDOW_SECONDS, 'USER_RATE'],
    [1, 'ROOMS_PER_HOUR'],
    [1, 'ADDITIONS_PER_MINUTE'],
  ];
  const documented = rowsUnder(api, 'Rates').map((row) => {
    const cell = row['limit in each window'] ?? '';
    return [Number(/^(\d+) ×/.exec(cell)?.[1] ?? 1), codesOf(cell)[0]];
  });
  assert.deepEqual(documented, expected);
});

test('docs/protocol.md describes every command', () => {
  sameNames(rowsUnder(protocol, 'Frames that a client sends').map(subjectOf), commandNames);
  sameNames(rowsUnder(protocol, 'Messages').map(subjectOf), commandNames);
});

test('docs/protocol.md describes every frame of the server with all fields', () => {
  const fieldsOf = ({ fields }: Row) => codesOf(fields).flatMap((cell) => cell.split(' '));
  const documented = rowsUnder(protocol, 'Frames that a client receives').map((row): [string, string[]] => [
    subjectOf(row),
    fieldsOf(row).toSorted(),
  ]);
  const expected = Object.entries(gatewayFrames).map(([name, { entries }]): [string, string[]] => [
    name,
    Object.keys(entries).toSorted(),
  ]);
  assert.deepEqual(Object.fromEntries(documented), Object.fromEntries(expected));
});

test('docs/protocol.md has the examples of the document of the socket', () => {
  const ofClient = Object.entries(clientFrames);
  const commands = ofClient.filter(([name]) => !isOtherFrame(name));
  const others = ofClient.filter(([name]) => isOtherFrame(name));
  const frames = [...commands, ...Object.entries(gatewayTexts), ...others];
  const examples = blocksOf(protocol, 'json').map((block) => JSON.parse(block));
  assert.deepEqual(
    examples,
    frames.map(([, { example }]) => example),
  );
});

test('every example of an answer in docs/api.md fits its schema', () => {
  const examples = blocksOf(api, 'json').map((block) => JSON.parse(block));
  const schemas = [User, Room, Message, Events];
  assert.equal(examples.length, schemas.length);
  for (const [index, schema] of schemas.entries()) assertFits(schema, examples[index]);
});

test('docs/protocol.md has every error code with its status and its retry', () => {
  const documented = rowsUnder(protocol, 'Error codes').map((row) => [
    subjectOf(row),
    [Number(row.status), codesOf(row.retry)[0]],
  ]);
  const expected = Object.entries(errors).map(([code, { status, retry }]) => [code, [status, retry]]);
  assert.deepEqual(Object.fromEntries(documented), Object.fromEntries(expected));
});

test('docs/protocol.md has every close code with its name and what a client does', () => {
  const rows = rowsUnder(protocol, 'Close codes');
  const documented = rows.map(({ code, name }) => [codesOf(name)[0], Number(code)]);
  assert.deepEqual(Object.fromEntries(documented), closeCodes);
  const actions = rows.map((row) => [
    codesOf(row.name)[0],
    row['what a client must do']?.replace(/\[(.+?)\]\(.+?\)/g, '$1'),
  ]);
  assert.deepEqual(Object.fromEntries(actions), closeActions);
});

test('docs/conformance.md has valid examples of every line that a client writes', () => {
  const lines = readTables(conformance).filter(({ heading }) => heading === 'Lines of the client');
  const examples = lines
    .flatMap(({ rows }) => rows.flatMap((row) => codesOf(row.line)))
    .map((line) => JSON.parse(line));
  const reports = examples.filter((example) => !('do' in example));
  for (const report of reports) assertFits(Report, report);
  sameNames(
    reports.map((report) => Object.keys(report)[0] ?? '').filter((name, index, all) => all.indexOf(name) === index),
    ['message', 'outcome', 'loaded'],
  );
});

test('docs/conformance.md has every case of the kit with its rule and a paragraph of the protocol', () => {
  const documented = rowsUnder(conformance, 'The cases of the kit').map((row) => [
    subjectOf(row),
    row.rule,
    row.paragraph,
  ]);
  const expected = cases.map(({ name, rule, page }) => [name, rule, `[${page}](protocol.md#${page})`]);
  assert.deepEqual(documented, expected);
});

test('docs/configuration.md has every variable with its default', () => {
  const expected = Object.entries(variables).map(([name, schema]) => [
    name,
    ('default' in schema && schema.default) || '',
  ]);
  const rows = rowsUnder(configuration, 'Environment variables');
  const documented = Object.fromEntries(rows.map((row) => [subjectOf(row), codesOf(row.default)[0] ?? '']));
  const { ROOMS_HOME, ...ofConfig } = documented;
  assert.deepEqual(ofConfig, Object.fromEntries(expected));
  assert.equal(ROOMS_HOME, '.rooms');
});

test('docs/configuration.md has every fixed limit with its value', () => {
  const documented = rowsUnder(configuration, 'Fixed limits').map((row) => [subjectOf(row), Number(row.value)]);
  assert.deepEqual(Object.fromEntries(documented), limits);
});

test('docs/operations.md has every process, metric and health route', async () => {
  sameNames(
    rowsUnder(operations, 'Processes').map((row) => Object.values(row)[0] ?? ''),
    ['gateway', ...QUEUES],
  );
  const metrics = await createMetrics().registry.getMetricsAsJSON();
  sameNames(
    rowsUnder(operations, 'Metrics').map(subjectOf),
    metrics.map(({ name }) => name),
  );
  const paths = rowsUnder(api, 'Routes').map((row) => subjectOf(row).split(' ')[1] ?? '');
  sameNames(
    rowsUnder(operations, 'Health').map(subjectOf),
    paths.filter((path) => !/^\/((api|client|page|docs)(\/|$)|llms|$)/.test(path)),
  );
});

test('docs/architecture.md has every folder, and the README has every folder of the first level', () => {
  const foldersOf = (pattern: string) =>
    globSync(pattern, { cwd: root }).filter((name) => statSync(join(root, name)).isDirectory());
  const documented = (name: string) => rowsUnder(read(name), 'Folders').map(subjectOf);
  const first = '{gateway,workers,shared,sql,bench,test,docs}';
  sameNames(
    documented('README.md'),
    foldersOf(first).map((name) => `${name}/`),
  );
  sameNames(
    documented('docs/architecture.md'),
    foldersOf(`${first}{,/*}`).map((name) => `${name}/`),
  );
});

test('the README has the conversation that npm start prints', () => {
  const printed = conversation('http://localhost:8080', 'node_modules/.bin/node');
  assert.ok(blocksOf(read('README.md'), 'sh').includes(printed));
});

test('the guides have the code of the examples, which other tests run', () => {
  const example = (name: string) => read(`shared/client/examples/${name}`);
  assert.deepEqual(blocksOf(read('docs/first-bot.md'), 'ts'), [example('bot.ts')]);
  assert.deepEqual(blocksOf(read('docs/react.md'), 'jsx'), [example('room.jsx')]);
  assert.deepEqual(blocksOf(read('docs/from-socket-io.md'), 'ts'), [example('chat.ts')]);
  assert.deepEqual(blocksOf(read('docs/from-the-original.md'), 'ts'), [example('plain-socket.ts')]);
});

test('docs/testing.md has the same test files as test/', () => {
  const files = globSync('test/*.test.ts', { cwd: root }).map((file) => /(\w[\w-]*)\.test\.ts/.exec(file)?.[1] ?? '');
  sameNames(rowsUnder(read('docs/testing.md'), 'The files of `test/`').map(subjectOf), files);
});

test('the tests that a row of a table names exist and mention the subject of the row', () => {
  const files = globSync('{test,gateway,workers,shared,sql}/**/*.test.ts', { cwd: root });
  const rows = [
    ...rowsUnder(api, 'Routes'),
    ...rowsUnder(protocol, 'Frames that a client sends'),
    ...rowsUnder(configuration, 'Environment variables'),
  ];
  const wrongRows = rows.filter((row) => {
    const texts = codesOf(row.tests).map((name) =>
      files
        .filter((file) => file.includes(`/${name}.test.`))
        .map(read)
        .join(),
    );
    // For a path, this is the last word before the first parameter.
    const word = subjectOf(row).split(' ').at(-1)?.split('/:')[0]?.split('/').at(-1) ?? '';
    return texts.length === 0 || texts.includes('') || !texts.join().includes(word);
  });
  assert.deepEqual(wrongRows, []);
  assert.ok(rows.length > 60, `only ${rows.length} rows`);
});

/** Tables that no code can confirm: measurements, comparisons, and pointers whose paths are checked below. */
const WITHOUT_A_CHECK = [
  'Rooms',
  'The layers of the original',
  'Where a rule is',
  'What is imported',
  'Answers and errors',
  'What a user can see',
  'Rooms and messages',
  'Accounts',
  'Context',
  'Decision',
  'Measured',
  'Resume',
  'What broke before',
  'The same thing in both',
];

test('every table of docs/ and the README has a check', () => {
  const checked = [
    'Routes, Errors of many routes, Fields, Rates',
    'Frames that a client sends, Frames that a client receives, Messages, Error codes, Close codes',
    'Environment variables, Fixed limits',
    'Processes, Metrics, Health',
    'Folders',
    'The files of `test/`',
    'Lines of the client, The cases of the kit',
    // bench/faults/command-line.test.ts
    'The rules, The table, The proof',
  ].flatMap((headings) => headings.split(', '));
  const tables = documents.filter((name) => /^(README|docs\/)/.test(name)).flatMap((name) => readTables(read(name)));
  const headings = new Set(tables.map(({ heading }) => heading));
  sameNames([...headings], [...new Set([...checked, ...WITHOUT_A_CHECK])]);
});

test('every link between documents leads to a file and a heading that exist', () => {
  const broken = documents.flatMap((name) =>
    [...withoutFences(read(name)).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target as string)
      .filter((target) => !/^https?:/.test(target) && !linkTargetExists(name, target))
      .map((target) => `${name}: ${target}`),
  );
  assert.deepEqual(broken, []);
});

test('every path and every npm script that a document names exists', () => {
  const { scripts } = JSON.parse(read('package.json'));
  const missing = documents.flatMap((name) => {
    const text = read(name);
    const paths = codesOf(withoutFences(text)).filter((code) =>
      /^(gateway|workers|shared|sql|bench|test|docs|\.ci|\.github)\/[\w./-]*$/.test(code),
    );
    const named = [...text.matchAll(/npm run ([a-z\d]+)/g)].map(([, script]) => script as string);
    return [
      ...paths.filter((path) => !existsSync(join(root, path))),
      ...named.filter((script) => !(script in scripts)),
    ].map((what) => `${name}: ${what}`);
  });
  assert.deepEqual(missing, []);
});

/** Asserts that the example is valid and that the schema has each field of the example. */
function assertFits(schema: v.GenericSchema, example: Record<string, unknown>): void {
  const output = v.parse(schema, example) as Record<string, unknown>;
  assert.deepEqual(
    Object.keys(example).filter((field) => !(field in output)),
    [],
  );
}

function linkTargetExists(from: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? from : normalize(join(dirname(from), path));
  if (!existsSync(join(root, file))) return false;
  return anchor === undefined || anchorsOf(read(file)).includes(anchor);
}
