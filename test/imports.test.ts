import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What each folder may import, of the others. */
const borders: Record<string, string[]> = {
  gateway: ['shared'],
  workers: ['shared'],
  sql: ['shared'],
  shared: [],
  bench: ['shared', 'sql'],
  test: ['shared', 'sql', 'bench'],
};

/** In the folders of the running system, only these read the environment. */
const READS_ENVIRONMENT = ['shared/config.ts', 'shared/env-file.ts', 'shared/local/running-env.ts'];

interface Import {
  file: string;
  target: string;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const targets = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, target]) => target as string);
  return targets.map((target) => ({ file, target }));
}

const files = Object.keys(borders).flatMap((folder) => globSync(`${folder}/**/*.{ts,mjs}`, { cwd: root }));
const imports = files.flatMap(importsOf);

test('a folder imports only itself and what it may', () => {
  const strays = imports.filter(({ file, target }) => {
    if (!target.startsWith('.')) return false;
    const [from] = file.split('/') as [string];
    const [to] = normalize(join(dirname(file), target)).split('/') as [string];
    const isTest = /\.test\.ts$/.test(file);
    return to !== from && !borders[from]?.includes(to) && !(isTest && ['test', 'sql'].includes(to));
  });
  assert.deepEqual(strays, []);
  assert.ok(imports.length > 100, `only ${imports.length} imports were found`);
});

test('what runs in production imports only dependencies, and what is local only is not imported by it', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const allowed = new Set([...Object.keys(dependencies), ...builtinModules.map((name) => `node:${name}`)]);
  const production = imports.filter(
    ({ file }) => /^(gateway|workers|shared|sql)\//.test(file) && !/\.test\.ts$|^shared\/local\//.test(file),
  );
  const strays = production.filter(({ target }) =>
    target.startsWith('.') ? target.includes('local/') : !allowed.has(target) && !target.startsWith('node:'),
  );
  assert.deepEqual(strays, []);
});

test('the environment is read in the config alone', () => {
  const readers = files.filter(
    (file) =>
      /^(gateway|workers|shared|sql)\//.test(file) &&
      !file.endsWith('.test.ts') &&
      /process\.env\b/.test(readFileSync(join(root, file), 'utf8')),
  );
  assert.deepEqual(
    readers.filter((file) => !READS_ENVIRONMENT.includes(file)),
    [],
  );
});

test('no change of state hides in a transaction of the driver', () => {
  const users = files.filter((file) => /\.(begin|reserve)\(/.test(readFileSync(join(root, file), 'utf8')));
  assert.deepEqual(users, []);
});
