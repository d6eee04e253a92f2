import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

// node --import bench/stage-marks.ts gateway/main.ts
// Records when a message passes the edges of a gateway and of a worker: its socket, Redis, Postgres. For this it wraps
// methods of the libraries uWebSockets.js, ioredis and postgres, so it does not depend on the code of Rooms. It follows
// the messages of a benchmark (bench/refs.ts) with an index that ends with 0 in hexadecimal: one of 16.
// When the process ends, the marks are in a file of the folder STAGE_MARKS.

/** The edges, in the order in which a message passes them. */
export type Mark = 'received' | 'queued' | 'taken' | 'asked' | 'stored' | 'published' | 'arrived' | 'written';

const SAMPLED_REF = /[0-9a-f]{8}-0000-4000-8000-0000[0-9a-f]{7}0/g;

type AnyMethod = (...args: unknown[]) => unknown;
type Target = Record<string, AnyMethod>;

const marks: string[] = [];
const seen = new Set<string>();
const main = process.argv[1] ?? '';
const isGateway = main.endsWith('gateway/main.ts');

if (isGateway || main.endsWith('workers/main.ts')) {
  const require = createRequire(main);
  const { Redis } = require('ioredis') as { Redis: { prototype: Target } };
  wrapRedis(Redis.prototype);
  if (isGateway) wrapSockets(require('uWebSockets.js') as Target);
  else await wrapPostgres(require.resolve('postgres'));
  process.on('exit', () => writeFileSync(join(process.env.STAGE_MARKS as string, `${process.pid}`), marks.join('\n')));
}

/** Records the first time at which a message passes this edge. */
function record(mark: Mark, value: unknown): void {
  for (const ref of refsIn(value)) {
    const key = `${mark} ${ref}`;
    if (seen.has(key)) continue;
    seen.add(key);
    marks.push(`${key} ${performance.timeOrigin + performance.now()}`);
  }
}

/** Finds the refs in texts and bytes, also inside lists and objects. */
function* refsIn(value: unknown, depth = 0): Generator<string> {
  if (typeof value === 'string') yield* value.match(SAMPLED_REF) ?? [];
  else if (value instanceof ArrayBuffer) yield* refsIn(Buffer.from(value).toString('latin1'));
  else if (ArrayBuffer.isView(value))
    yield* refsIn(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1'));
  else if (typeof value === 'object' && value !== null && depth < 4)
    for (const part of Object.values(value)) yield* refsIn(part, depth + 1);
}

function wrap(
  target: Target,
  name: string,
  wrapper: (original: AnyMethod, self: unknown, args: unknown[]) => unknown,
): void {
  const original = target[name] as AnyMethod;
  target[name] = function (this: unknown, ...args: unknown[]) {
    return wrapper(original, this, args);
  };
}

function wrapRedis(redis: Target): void {
  wrap(redis, 'sendCommand', (original, self, args) => {
    const { name, args: sent, promise } = args[0] as { name: string; args: unknown[]; promise?: Promise<unknown> };
    if (name.endsWith('publish')) record('published', sent);
    else if (isGateway) record('queued', sent);
    else void promise?.then((answer) => record('taken', answer)).catch(() => undefined);
    return original.apply(self, args);
  });
  wrap(redis, 'emit', (original, self, args) => {
    if (isGateway && /message/i.test(String(args[0]))) record('arrived', args.slice(1));
    return original.apply(self, args);
  });
}

function wrapSockets(uWS: Target): void {
  wrap(uWS, 'App', (original, self, args) => {
    const app = original.apply(self, args) as Target;
    wrap(app, 'publish', (publish, appSelf, published) => {
      const result = publish.apply(appSelf, published);
      record('written', published[1]);
      return result;
    });
    wrap(app, 'ws', (ws, appSelf, [path, behavior]) => {
      wrap(behavior as Target, 'message', (message, behaviorSelf, received) => {
        record('received', received[1]);
        return message.apply(behaviorSelf, received);
      });
      return ws.call(appSelf, path, behavior);
    });
    return app;
  });
}

/** @param file what `require` loads, in `cjs/src/`. Rooms imports the same files in `src/`. */
async function wrapPostgres(file: string): Promise<void> {
  const { Query } = await import(pathToFileURL(join(dirname(file), '../../src/query.js')).href);
  wrap(Query.prototype, 'handle', (original, self, args) => {
    const query = self as { args: unknown; executed: boolean; resolve: AnyMethod };
    if (!query.executed) {
      record('asked', query.args);
      wrap(query as unknown as Target, 'resolve', (resolve, _, results) => {
        record('stored', query.args);
        return resolve(...results);
      });
    }
    return original.apply(self, args);
  });
}
