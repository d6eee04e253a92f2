import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The other folders that each folder may import. */
const allowedFolders: Record<string, string[]> = {
  gateway: ['shared'],
  workers: ['shared'],
  sql: ['shared'],
  shared: [],
  bench: ['shared', 'sql'],
  test: ['gateway', 'workers', 'shared', 'sql', 'bench'],
};

/** The only files, apart from tests and bench, that read the environment. */
const ENVIRONMENT_READERS = ['shared/config.ts'];

interface Import {
  file: string;
  target: string;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const targets = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, target]) => target as string);
  return targets.map((target) => ({ file, target }));
}

const files = Object.keys(allowedFolders).flatMap((folder) =>
  globSync(`${folder}/**/*.{ts,tsx,mjs}`, {
    cwd: root,
    exclude: ['shared/client/dist', 'gateway/page/dist', 'gateway/docs/dist'],
  }),
);
const imports = files.flatMap(importsOf);

test('a file imports only from its own folder and from the folders that it may import', () => {
  const violations = imports.filter(({ file, target }) => {
    if (!target.startsWith('.')) return false;
    const [from] = file.split('/') as [string];
    const [to] = normalize(join(dirname(file), target)).split('/') as [string];
    const isTest = /\.test\.ts$/.test(file);
    return to !== from && !allowedFolders[from]?.includes(to) && !(isTest && ['test', 'sql'].includes(to));
  });
  assert.deepEqual(violations, []);
  assert.ok(imports.length > 100, `only ${imports.length} imports were found`);
});

test('every file of the gateway is in a subfolder, except app.ts, gateway.ts and main.ts', () => {
  const filesAndFolders = globSync('gateway/*', { cwd: root, exclude: ['**/*.test.ts'] }).toSorted();
  assert.deepEqual(filesAndFolders, [
    ...['gateway/accounts', 'gateway/app.ts', 'gateway/commands', 'gateway/docs', 'gateway/edge', 'gateway/gateway.ts'],
    ...['gateway/http', 'gateway/live', 'gateway/main.ts', 'gateway/page', 'gateway/reads', 'gateway/routes'],
    'gateway/sockets',
  ]);
});

test('code that runs in production imports neither development dependencies nor shared/local', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const allowed = new Set([...Object.keys(dependencies), ...builtinModules.map((name) => `node:${name}`)]);
  const production = imports.filter(
    ({ file }) =>
      /^(gateway|workers|shared|sql)\//.test(file) &&
      !/\.test\.ts$|^shared\/local\/|^shared\/client\/(build\.mjs$|kit\/)|^gateway\/(page\/|docs\/build)/.test(file),
  );
  const violations = production.filter(({ target }) =>
    target.startsWith('.') ? target.includes('local/') : !allowed.has(target) && !target.startsWith('node:'),
  );
  assert.deepEqual(violations, []);
});

test('the client imports only its own files, and only the store in a file imports a module of Node', () => {
  const ofClient = imports.filter(({ file }) => /^shared\/client\/(?!kit\/|.*(\.test\.ts|build\.mjs)$)/.test(file));
  const outside = ofClient.filter(
    ({ file, target }) => !/^shared\/client\//.test(normalize(join(dirname(file), target))),
  );
  assert.deepEqual(
    outside.filter(({ file, target }) => !(file.endsWith('/file-store.ts') && target.startsWith('node:'))),
    [],
  );
  assert.ok(ofClient.length > 30, `only ${ofClient.length} imports were found`);
});

test('the page imports only its own files, the client library and preact', () => {
  const ofPage = imports.filter(({ file }) => /^gateway\/page\/(?!.*(\.test\.ts|build\.mjs)$)/.test(file));
  const violations = ofPage.filter(({ file, target }) =>
    target.startsWith('.')
      ? !/^(gateway\/page|shared\/client)\//.test(normalize(join(dirname(file), target)))
      : !/^preact(\/hooks)?$/.test(target),
  );
  assert.deepEqual(violations, []);
});

test('only the file of the configuration reads the environment', () => {
  const readers = files.filter(
    (file) =>
      /^(gateway|workers|shared|sql)\//.test(file) &&
      !file.endsWith('.test.ts') &&
      /process\.env\b/.test(readFileSync(join(root, file), 'utf8')),
  );
  assert.deepEqual(readers, ENVIRONMENT_READERS);
});

test('no file uses a transaction of the Postgres driver', () => {
  const transactionFiles = files.filter((file) => /\.(begin|reserve)\(/.test(readFileSync(join(root, file), 'utf8')));
  assert.deepEqual(transactionFiles, []);
});

test('no file imports itself through other files', () => {
  const targets = Map.groupBy(
    imports.filter(({ target }) => target.startsWith('.')),
    ({ file }) => file,
  );
  const done = new Set<string>();
  const visit = (file: string, path: string[]) => {
    assert.ok(!path.includes(file), `a circle of imports: ${[...path, file].join(' -> ')}`);
    if (done.has(file)) return;
    for (const { target } of targets.get(file) ?? []) visit(normalize(join(dirname(file), target)), [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});
