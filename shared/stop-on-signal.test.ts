import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const PROGRAM = `
  import { createLog } from './log.ts';
  import { stopOnSignal } from './stop-on-signal.ts';
  stopOnSignal(() => new Promise(() => setInterval(() => undefined, 1_000)), createLog('test', 'info'));
  setInterval(() => undefined, 1_000);
  process.stdout.write('ready');
`;

test('a process whose stop never ends is ended with the exit code 1', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], { cwd: import.meta.dirname });
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [1, null]);
});
