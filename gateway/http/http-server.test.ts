import uWS, { type us_listen_socket } from 'uWebSockets.js';
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import * as v from 'valibot';
import { newId } from '../../shared/contract/ids.ts';
import { limits } from '../../shared/contract/limits.ts';
import { openTestGateway } from '../../test/support/in-process.ts';
import { routes } from '../app.ts';
import { formsOf, HttpServer } from './http-server.ts';
import { callersOf, errorsOf, type Method, type Route, route } from './route.ts';

const { gateway, url, database, addUser } = await openTestGateway();
const { token } = await addUser();
const authorization = `Bearer ${token}`;

/** Calls a path of the gateway, with a new id in place of each `:parameter`. */
async function call(method: string, path: string, init: RequestInit = {}, base = url) {
  const response = await fetch(base + path.replace(/:\w+/g, () => newId()), { method, ...init });
  const body = await response.text();
  return { status: response.status, headers: response.headers, body: body === '' ? '' : JSON.parse(body) };
}

/** Starts an HTTP server for this route table, with the other parts of the test gateway. @returns its URL */
async function serve(...table: Route[]): Promise<string> {
  const app = uWS.App();
  new HttpServer(app, gateway).register(table);
  const listener = await new Promise<us_listen_socket | false>((resolve) => app.listen('127.0.0.1', 0, resolve));
  assert.ok(listener);
  after(() => uWS.us_listen_socket_close(listener));
  return `http://127.0.0.1:${uWS.us_socket_local_port(listener)}`;
}

test('only these routes can be called without a token', () => {
  const open = routes.filter((row) => callersOf(row) === 'open').map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(open, [
    'POST /api/users/send-otp',
    'POST /api/users/register',
    'POST /api/users/register-otp',
    'POST /api/users/login',
    'POST /api/users/login-otp',
    'GET /api/ws',
    'GET /api/settings',
    'GET /api/mailed-codes/:email',
    'GET /',
    'GET /page/:file',
    'GET /client/rooms.js',
    'GET /client/people.js',
    'GET /docs',
    'GET /docs/http',
    'GET /docs/openapi.json',
    'GET /docs/socket',
    'GET /docs/asyncapi.json',
    'GET /docs/files/:file',
    'GET /llms.txt',
    'GET /healthz',
    'GET /readyz',
  ]);
});

for (const row of routes.filter((each) => callersOf(each) !== 'open')) {
  test(`${row.method} ${row.path} refuses a caller without a token before it reads the input`, async () => {
    const { status, body } = await call(row.method, row.path, row.method === 'GET' ? {} : { body: 'no JSON' });
    assert.deepEqual([status, body.code], [401, 'no_token']);
  });
}

test('the headers of an answer are the security headers, CORS, the rate, and the ones of the answer itself', async () => {
  const names = async (method: string, path: string, init?: RequestInit) =>
    [...(await call(method, path, init)).headers.keys()].filter((name) => !['date', 'uwebsockets'].includes(name));
  const always = [
    ...['access-control-allow-origin', 'access-control-expose-headers', 'cache-control', 'content-security-policy'],
    ...['referrer-policy', 'strict-transport-security', 'x-content-type-options', 'x-frame-options'],
  ];
  const withBody = [...always, 'content-length', 'content-type'];
  const rate = ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'];
  assert.deepEqual(await names('GET', '/healthz'), withBody.toSorted());
  assert.deepEqual(await names('GET', '/api/rooms', { headers: { authorization } }), [...withBody, ...rate].toSorted());
  assert.deepEqual(await names('PUT', '/api/rooms'), [...withBody, ...rate, 'allow'].toSorted());
  const preflight = ['access-control-allow-headers', 'access-control-allow-methods', 'access-control-max-age'];
  assert.deepEqual(await names('OPTIONS', '/api/rooms'), [...always, ...preflight, 'content-length'].toSorted());
});

test('a row without callers requires a token', async () => {
  const base = await serve(route('GET', '/forgotten', { answer: v.string(), handler: () => '"done"' }));
  assert.equal((await call('GET', '/forgotten', {}, base)).body.code, 'no_token');
  assert.equal((await call('GET', '/forgotten', { headers: { authorization } }, base)).body, 'done');
});

test('a revoked token is refused before the input, also by a row that checks the token in its own read', async () => {
  const own = await addUser();
  await database`update users set token_version = 1 where id = ${own.id}`;
  const headers = { authorization: `Bearer ${own.token}` };
  for (const query of ['', '?before=1&after=2', '?before=x']) {
    assert.equal((await call('GET', `/api/messages/general${query}`, { headers })).body.code, 'token_revoked');
  }
  const known = { headers: { authorization } };
  assert.equal((await call('GET', '/api/messages/general?before=x', known)).body.code, 'invalid_field');
});

test('a row for admins refuses every other user', async () => {
  const row = route('GET', '/admin', { callers: 'admin', answer: v.string(), handler: () => '"done"' });
  const base = await serve(row);
  assert.equal((await call('GET', '/admin', { headers: { authorization } }, base)).body.code, 'admin_only');
});

const methods: Method[] = ['GET', 'POST', 'PUT', 'DELETE'];
for (const [path, rows] of Map.groupBy(routes, (row) => row.path)) {
  const allowed = rows.map(({ method }) => method);
  for (const method of methods.filter((each) => !allowed.includes(each))) {
    test(`${method} ${path} is refused, and the header Allow is ${allowed.join(', ')}`, async () => {
      for (const form of formsOf(path)) {
        const { status, headers, body } = await call(method, form);
        assert.deepEqual([status, body.code, headers.get('allow')], [405, 'method_not_allowed', allowed.join(', ')]);
      }
    });
  }
}

test('if a handler throws an error, the answer has the code internal and does not contain the error', async () => {
  const handler = () => {
    throw new Error('a secret detail');
  };
  const base = await serve(route('GET', '/broken', { callers: 'open', answer: v.never(), handler }));
  const { status, body } = await call('GET', '/broken', {}, base);
  assert.deepEqual([status, body.code], [500, 'internal']);
  assert.doesNotMatch(JSON.stringify(body), /secret/);
  assert.equal((await call('GET', '/healthz')).status, 200);
});

test('the answer to an invalid field contains the field and its bound, also in the text', async () => {
  const init = { body: JSON.stringify({ name: 'no' }), headers: { authorization, 'content-type': 'application/json' } };
  const { body } = await call('POST', '/api/rooms', init);
  const final = { retry: 'no' };
  assert.deepEqual(body, {
    ...final,
    error: 'name: at least 3 characters',
    code: 'too_short',
    field: 'name',
    bound: 3,
  });
  const paged = await call('GET', '/api/rooms?page=101', { headers: { authorization } });
  const expected = { ...final, error: 'page: at most 100', code: 'invalid_field', field: 'page', bound: 100 };
  assert.deepEqual(paged.body, expected);
});

test('an id that cannot exist gets the same answer as an id that does not exist', async () => {
  const answers = ['nonsense', 'GENERAL', '%00', 'x'.repeat(500), newId()].map((id) =>
    call('GET', `/api/rooms/${id}`, { headers: { authorization } }),
  );
  const [first, ...others] = await Promise.all(answers);
  assert.deepEqual([first?.status, first?.body.code], [404, 'no_such_room']);
  for (const { status, body } of others) assert.deepEqual([status, body], [404, first?.body]);
});

test('the answer names a wrong Idempotency-Key', async () => {
  const headers = { authorization, 'idempotency-key': '1', 'content-type': 'application/json' };
  const keyed = await call('POST', '/api/rooms', { body: JSON.stringify({ name: 'a room' }), headers });
  assert.deepEqual([keyed.body.code, keyed.body.field], ['invalid_field', 'Idempotency-Key']);
});

test('a request beyond the bound of requests without an answer is refused, and a health probe is not', async () => {
  const { MAX_PENDING_REQUESTS } = limits;
  Object.assign(limits, { MAX_PENDING_REQUESTS: 1 });
  const { promise, resolve } = Promise.withResolvers<string>();
  const open = { callers: 'open', answer: v.string() } as const;
  const base = await serve(
    route('GET', '/slow', { ...open, handler: () => promise }),
    route('GET', '/probe', { ...open, skipsRateLimit: true, handler: () => '"alive"' }),
  );
  const slow = [call('GET', '/slow', {}, base), call('GET', '/slow', {}, base)];
  const { status, headers, body } = await Promise.race(slow);
  assert.deepEqual(
    [status, body.code, headers.get('retry-after'), headers.get('connection')],
    [503, 'busy', '1', 'close'],
  );
  assert.equal((await call('GET', '/probe', {}, base)).body, 'alive');
  resolve('"done"');
  assert.deepEqual((await Promise.all(slow)).map((answer) => answer.status).toSorted(), [200, 503]);
  Object.assign(limits, { MAX_PENDING_REQUESTS });
});

test('no row lists an error code twice, or a code that all similar routes have', () => {
  for (const row of routes) {
    const codes = errorsOf(row);
    assert.equal(new Set(codes).size, codes.length);
    const common = errorsOf({ ...row, errors: [] });
    assert.deepEqual(
      (row.errors ?? []).filter((code) => common.includes(code)),
      [],
      `${row.method} ${row.path}`,
    );
  }
});

test('a request is not pending any more when its client disconnects in the middle of the body', async () => {
  const app = uWS.App();
  const server = new HttpServer(app, gateway);
  const handler = () => '"done"';
  server.register([route('POST', '/body', { callers: 'open', body: v.object({}), answer: v.string(), handler })]);
  const listener = await new Promise<us_listen_socket | false>((resolve) => app.listen('127.0.0.1', 0, resolve));
  assert.ok(listener);
  const socket = connect(uWS.us_socket_local_port(listener), '127.0.0.1');
  socket.write('POST /body HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{');
  while (server.pending === 0) await tick();
  socket.destroy();
  while (server.pending > 0) await tick();
  uWS.us_listen_socket_close(listener);
});
