import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Command } from '../shared/commands.ts';
import { variables } from '../shared/config.ts';
import { closeCodes } from '../shared/errors.ts';

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
