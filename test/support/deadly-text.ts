import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';

// `node --import` loads this file into a worker. It changes the source of the worker, so that a command with this text
// kills the process before the command is applied.

const DEADLY_TEXT = 'deadly';
const PLACE = 'const { commands, follows } = batch;';
const KILL = `if (commands.some(({ text }) => text === '${DEADLY_TEXT}')) process.kill(process.pid, 'SIGKILL');`;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith('/workers/apply-room-commands.ts')) return loaded;
    const [before, after, ...others] = String(loaded.source).split(PLACE);
    assert.ok(after !== undefined && others.length === 0, `the worker must have this text once: ${PLACE}`);
    return { ...loaded, source: `${before}${PLACE}${KILL}${after}` };
  },
});
