// Builds the client from its TypeScript sources: `dist/rooms.js` and `dist/people.js` for browsers and Node,
// `dist/file-store.js` for Node alone. This file is plain JavaScript for Node 20 or later, because shared/local/install.mjs runs it.
import { build } from 'esbuild';

/** Names that only the files of the client use. Short names for them save 3 % of the compressed size. */
const INTERNAL_NAMES =
  /^(on[A-Z]\w+|is(Leaving|Full|Stored|Needed)|hasUnread|positions|roomIds|judge|advance|catchUp|hello|welcome|receive|waitsFor|settle|setEpoch|recovered|renew|(internalR|r)efusals|sender|lose|adopt|people|access|refuse|emit|load|pump|opened|position|isMember|save|reset)$/;

/** @type {import('esbuild').BuildOptions} */
const options = {
  absWorkingDir: import.meta.dirname,
  outdir: 'dist',
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
};
await build({ ...options, entryPoints: { rooms: 'main.ts' }, platform: 'neutral', mangleProps: INTERNAL_NAMES });
await build({ ...options, entryPoints: ['file-store.ts'], platform: 'node', mangleProps: INTERNAL_NAMES });
// Uses only names of the client that are public.
await build({ ...options, entryPoints: ['people.ts'], platform: 'neutral' });
