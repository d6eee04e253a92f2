import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';

// `node --import` loads this file into a worker. It changes the source of the worker, so that a command with this text
// or with this name kills the process before the command is applied.

const KILL = "process.kill(process.pid, 'SIGKILL');";
const PLACES = {
  '/workers/apply-room-commands.ts': {
    place: 'const { commands, follows } = batch;',
    kill: `if (commands.some(({ text }) => text === 'deadly')) ${KILL}`,
  },
  '/workers/apply-account-commands.ts': {
    place: 'const { database, databaseTime } = context;',
    kill: `if (commands.some(({ firstName }) => firstName === 'Deadly')) ${KILL}`,
  },
};

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const found = Object.entries(PLACES).find(([file]) => url.endsWith(file));
    if (!found) return loaded;
    const [, { place, kill }] = found;
    const [before, after, ...others] = String(loaded.source).split(place);
    assert.ok(after !== undefined && others.length === 0, `the worker must have this text once: ${place}`);
    return { ...loaded, source: `${before}${place}${kill}${after}` };
  },
});
