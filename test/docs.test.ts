import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { variables } from '../shared/config.ts';
import { Command } from '../shared/contract/commands.ts';
import { closeCodes } from '../shared/contract/errors.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const section = (title: string) => readme.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';

test('the README has every route, and no other', () => {
  const methods: Record<string, string> = { get: 'GET', post: 'POST', put: 'PUT', del: 'DELETE' };
  const app = readFileSync(join(root, 'gateway/app.ts'), 'utf8');
  const routes = [...app.matchAll(/'(\/[^']+)': \{([^}]*)\}/g)].flatMap(([, path, handlers]) =>
    [...(handlers as string).matchAll(/(\w+): /g)].map(([, method]) => `${methods[method as string]} ${path}`),
  );
  const told = [...section('Routes').matchAll(/^\| `([A-Z]+ [^`]+)`/gm)].map(([, route]) => route);
  assert.deepEqual(told.toSorted(), routes.toSorted());
});

test('the README has every command, and no other', () => {
  const commands = Command.options.map(({ entries }) => entries.command.literal as string);
  const told = [...section('Commands').matchAll(/^\| `(\w+)`/gm)].map(([, command]) => command as string);
  assert.deepEqual(told.toSorted(), commands.toSorted());
});

test('the README has every variable and close code', () => {
  const environment = section('Environment');
  assert.deepEqual(
    Object.keys(variables).filter((name) => !environment.includes(`\`${name}\``)),
    [],
  );
  const told = [...section('Commands').matchAll(/\b4\d{3}\b/g)].map(([code]) => Number(code));
  assert.deepEqual(told, Object.values(closeCodes));
});

test('each row of the README names tests that exist and know of it', () => {
  const files = globSync('{test,gateway,shared}/**/*.test.ts', { cwd: root });
  const rows = ['Routes', 'Commands', 'Environment'].flatMap((title) =>
    [...section(title).matchAll(/^\| `.*$/gm)].flat(),
  );
  const strays = rows.flatMap((row) => {
    const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const tests = [...(cells.at(-2) ?? '').matchAll(/`([\w-]+)`/g)].map(([, name]) => name as string);
    const texts = tests.map((name) =>
      files
        .filter((file) => file.includes(`/${name}.test.`))
        .map((file) => readFileSync(join(root, file), 'utf8'))
        .join(),
    );
    const subjects = [...(cells[1] ?? '').matchAll(/`(?:[A-Z]+ )?([^`]+)`/g)].map(([, subject]) => subject as string);
    // Of a path, the last word before its parameters.
    const words = subjects.map((subject) => subject.split('/:')[0]?.split('/').at(-1) as string);
    const isKnown = words.every((word) => texts.join().includes(word));
    return tests.length > 0 && texts.every((text) => text !== '') && isKnown ? [] : [row];
  });
  assert.deepEqual(strays, []);
  assert.ok(rows.length > 60, `only ${rows.length} rows`);
});
