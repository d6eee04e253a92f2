import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { blocksOf } from './support/markdown.ts';
import { startSystem, testServices } from './support/system.ts';

// A public generator makes a client from the document that a gateway serves, as docs/rest-clients.md says.

const root = join(import.meta.dirname, '..');
const guide = readFileSync(join(root, 'docs/rest-clients.md'), 'utf8');
const [program = ''] = blocksOf(guide, 'ts');
const [output = ''] = blocksOf(guide, 'text');

const { cluster } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const folder = mkdtempSync(join(testServices().home, 'rest-client-'));
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');

const run = promisify(execFile);
const npx = (command: string, ...values: string[]) =>
  run(join(root, 'node_modules/.bin', command), values, { cwd: folder });
const options = '--noEmit --strict --target esnext --module nodenext --types node --allowImportingTsExtensions'.split(
  ' ',
);
const compile = (...files: string[]) => npx('tsc', ...options, ...files);

await npx('oazapfts', `${url}/docs/openapi.json`, 'rooms-api.ts');

test('the program of the guide compiles with the client of a generator, and prints what the guide says', async () => {
  writeFileSync(join(folder, 'program.ts'), program);
  await compile('program.ts');
  const { stdout } = await run(process.execPath, ['program.ts', url], { cwd: folder });
  assert.equal(stdout, output);
});

test('a program with a field, a value or an error code that the document does not have does not compile', async () => {
  const wrong = {
    field: program.replace("{ name: 'Tea room' }", "{ title: 'Tea room' }"),
    value: program.replace("{ name: 'Tea room' }", "{ name: 'Tea room', roomType: 'Secret' }"),
    code: `${program}\nif (refusal.status === 403 && refusal.data.code === 'wrong_otp') console.log('never');\n`,
  };
  for (const [name, text] of Object.entries(wrong)) {
    assert.notEqual(text, program);
    writeFileSync(join(folder, `${name}.ts`), text);
  }
  const names = Object.keys(wrong).map((name) => `${name}.ts`);
  await assert.rejects(compile(...names), ({ stdout }: { stdout: string }) => {
    for (const name of names) assert.match(stdout, new RegExp(`^${name}\\(\\d+,\\d+\\): error TS`, 'm'));
    return true;
  });
});
