import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { routes } from '../gateway/app.ts';
import { exampleIds } from '../gateway/docs/examples.ts';
import { type Operation, operations } from '../gateway/docs/operations.ts';
import { errorsOf, type Route } from '../gateway/http/route.ts';
import { errors } from '../shared/contract/errors.ts';
import { mailFileName } from '../shared/mail-files.ts';
import { apiDocument, assertInDocument, assertValid } from './support/api-document.ts';
import { type Account, call, createAccount } from './support/client.ts';
import { parseExactly } from './support/parse-exactly.ts';
import { startSystem, testServices } from './support/system.ts';

const caughtMails = mkdtempSync(join(testServices().home, 'mails-'));
writeFileSync(join(caughtMails, mailFileName('new@example.com', new Date())), '123456 is your code');
const env = { ENVIRONMENT: 'dev', CAUGHT_MAILS: caughtMails };
const { cluster, mailbox, database } = await startSystem({ gateways: 1, workers: 1, mail: true, env });
const [url] = cluster.urls as [string];

const keyOf = ({ method, path }: Route) => `${method} ${path}`;
const documented = (row: Route) =>
  apiDocument.paths[row.path.replace(/:(\w+)/g, '{$1}')]?.[row.method.toLowerCase()] ?? assert.fail(keyOf(row));

test('the document is valid OpenAPI 3.1, and it is what a gateway serves', async () => {
  const { valid, errors: findings } = await new Validator().validate({ ...apiDocument });
  assert.ok(valid, JSON.stringify(findings));
  const answer = await fetch(`${url}/docs/openapi.json`);
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.deepEqual(await answer.json(), apiDocument);
});

test('the document has each route, and each error code with its status', () => {
  assert.deepEqual(Object.keys(operations).toSorted(), routes.map(keyOf).toSorted());
  const ids = routes.map((row) => documented(row).operationId);
  assert.equal(new Set(ids).size, ids.length, 'two routes have the same id');
  for (const row of routes) {
    const { responses } = documented(row);
    for (const code of errorsOf(row)) {
      const { description } = responses[errors[code].status] as { description: string };
      assert.ok(description.includes(`\`${code}\``), `${keyOf(row)} ${code}`);
    }
  }
});

for (const row of routes.filter(({ file, path }) => !file && path !== '/api/ws')) {
  const operation = operations[keyOf(row)] ?? assert.fail(keyOf(row));
  test(`the example of ${keyOf(row)} fits the document and the schemas`, () => {
    parseExactly(row.answer, operation.answer);
    assertInDocument(row.method, row.path, row.status ?? 200, operation.answer);
    if (!row.body) return assert.equal(operation.body, undefined);
    parseExactly(row.body, operation.body);
    const path = row.path.replace(/:(\w+)/g, '{$1}');
    assertValid(
      ['paths', path, row.method.toLowerCase(), 'requestBody', 'content', 'application/json', 'schema'],
      operation.body,
    );
  });

  test(`the example of ${keyOf(row)} works`, async () => {
    const world = await createWorld(operation, row);
    const { status, body } = await world.send(row, operation);
    assert.equal(status, row.status ?? 200, JSON.stringify(body));
    assert.deepEqual(shapeOf(body), shapeOf(operation.answer));
  });
}

test('the pages of the document load only files of this gateway', async () => {
  for (const path of ['/docs', '/docs/http']) {
    const answer = await fetch(url + path);
    assert.match(answer.headers.get('content-security-policy') ?? '', /^default-src 'none'; script-src 'self'/);
    const links = [...(await answer.text()).matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, link]) => link as string);
    for (const link of links) assert.equal((await fetch(url + link)).status, 200, link);
    assert.ok(links.length > 0);
  }
});

interface World {
  send(row: Route, operation: Operation): Promise<{ status: number; body: unknown }>;
}

/** Ann, who is an admin, Bob, a public room of Ann with two messages, and a one-time password if the example has one. */
async function createWorld({ body: example }: Operation, row: Route): Promise<World> {
  // A row that changes an account or ends its tokens gets an account of its own.
  const changesAccount = row.path.startsWith('/api/users/') && row.method !== 'GET';
  const [ann, bob] = await (changesAccount ? createPeople() : sharedPeople());
  const { token } = ann;
  const post = async (path: string, body?: object) =>
    (await call(url, `POST ${path}`, { token, body })).body as { id: string };
  const room = await post('/api/rooms', { name: 'Tea room', roomType: 'Public' });
  const messageId = (await post(`/api/messages/${room.id}`, { text: 'Hello' })).id;
  if (row.method === 'DELETE' && row.path.includes(':user_id')) await post(`/api/rooms/${room.id}/users/${bob.id}`);
  const replaced: [string, string][] = [
    [exampleIds.ann, ann.id],
    [exampleIds.bob, bob.id],
    [exampleIds.room, room.id],
    [exampleIds.message, messageId],
    ['ann@example.com', ann.email],
    ['bob@', bob.email.slice(0, 6)],
  ];
  if (example && 'otp' in example) replaced.push(['123456', await takeOtp(row, replaced, example, token)]);
  return {
    send: ({ method, path }, { values = {}, body }) => {
      const inPath = path.replace(/:(\w+)/g, (_, name) => `${values[name]}`);
      const query = Object.entries(values).filter(([name]) => !path.includes(`:${name}`));
      const whole = `${inPath}${query.length > 0 ? `?${query.map((pair) => pair.join('=')).join('&')}` : ''}`;
      const replaceAll = (text: string) => replaced.reduce((all, [from, to]) => all.replaceAll(from, to), text);
      return call(url, replaceAll(`${method} ${whole}`), { token, body: body && replaceAll(JSON.stringify(body)) });
    },
  };
}

let shared: Promise<[Account, Account]> | undefined;

function sharedPeople(): Promise<[Account, Account]> {
  shared ??= createPeople();
  return shared;
}

async function createPeople(): Promise<[Account, Account]> {
  const people = [await createAccount(url, 'Ann'), await createAccount(url, 'Bob')] as [Account, Account];
  await database`update users set roles = '{user,admin}' where id = ${people[0].id}`;
  return people;
}

/** Mails a code to the e-mail of the example. @returns the code */
async function takeOtp(row: Route, replaced: [string, string][], example: object, token: string): Promise<string> {
  const given = (example as { email: string }).email;
  const email = replaced.find(([from]) => from === given)?.[1] ?? given;
  const purpose = row.path.includes('register') ? 'register' : row.path.includes('login') ? 'login' : 'update';
  await call(url, 'POST /api/users/send-otp', { token, body: { email, purpose } });
  return mailbox.takeOtp(email);
}

/** The keys of a value and of everything in it. Of a list, only the first item counts. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, each]) => [key, shapeOf(each)])
      .toSorted(),
  );
}
