import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openFileStore } from './file-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'rooms-file-store-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const newPath = () => join(folder, `store-${++files}`);
const PROGRAM = `
  const { openFileStore } = await import(process.argv[1]);
  const store = await openFileStore(process.argv[2]);
  await store.change({ 'outbox/1': 'one', 'outbox/2': 'two' });
  void store.change({ 'outbox/3': 'three' });
  process.kill(process.pid, 'SIGKILL');`;

test('a store has every finished change after its process was killed', async () => {
  const path = newPath();
  const module = join(import.meta.dirname, 'file-store.ts');
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM, module, path]);
  assert.equal(signal, 'SIGKILL');
  const store = await openFileStore(path);
  const entries = await store.entries('outbox/');
  assert.deepEqual(entries.slice(0, 2), [
    ['outbox/1', 'one'],
    ['outbox/2', 'two'],
  ]);
  await store.close();
});

test('changes at the same time are all kept, and an undefined value removes an entry', async () => {
  const path = newPath();
  const store = await openFileStore(path);
  await Promise.all(
    Array.from({ length: 50 }, (_, index) => store.change({ [`a/${index}`]: 'x', [`b/${index}`]: 'y' })),
  );
  await store.change({ 'a/0': undefined });
  await store.close();
  const again = await openFileStore(path);
  assert.deepEqual([(await again.entries('a/')).length, (await again.entries('b/')).length], [49, 50]);
  await again.close();
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes('lock') || name.includes('new')),
    [],
  );
});

test('a store whose last change failed can be closed and opened again', async () => {
  const path = newPath();
  const store = await openFileStore(path);
  mkdirSync(`${path}.new`);
  await assert.rejects(store.change({ a: 'x' }), { code: 'EISDIR' });
  await assert.rejects(store.close(), { code: 'EISDIR' });
  rmdirSync(`${path}.new`);
  await (await openFileStore(path)).close();
});

test('a file belongs to one running process at a time', async () => {
  const path = newPath();
  const store = await openFileStore(path);
  await assert.rejects(openFileStore(path), /uses the store/);
  await store.close();
  writeFileSync(`${path}.lock`, `${process.ppid}`);
  await assert.rejects(openFileStore(path), new RegExp(`process ${process.ppid} uses the store`));
});

test('a damaged file is an error, and stays as it is', async () => {
  const path = newPath();
  writeFileSync(path, '[["outbox/1","on');
  await assert.rejects(openFileStore(path), SyntaxError);
  await assert.rejects(openFileStore(path), SyntaxError);
});
