import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import specs from '@asyncapi/specs';
import { Ajv, type AnySchema } from 'ajv';
import addFormats from 'ajv-formats';
import { routes } from '../gateway/app.ts';
import { exampleIds } from '../gateway/docs/examples.ts';
import { clientFrames, gatewayTexts, UNUSED } from '../gateway/docs/frames.ts';
import type { JsonSchema } from '../gateway/docs/json-schema.ts';
import { errorsOf } from '../gateway/http/route.ts';
import { Command, commandNames } from '../shared/contract/commands.ts';
import { closeCodes, errors } from '../shared/contract/errors.ts';
import {
  type GatewayFrameName,
  gatewayFrames,
  isOtherFrame,
  type OtherFrameName,
  otherClientFrames,
} from '../shared/contract/frame-lists.ts';
import { apiDocument } from './support/api-document.ts';
import { Client, createAccount } from './support/client.ts';
import type { CommandFrame } from './support/client-frames.ts';
import { parseExactly } from './support/parse-exactly.ts';
import { assertFits, socketDocument } from './support/socket-document.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

const { cluster } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const { messages } = socketDocument.components;
type ClientFrameName = keyof typeof clientFrames;
const clientNames = Object.keys(clientFrames) as ClientFrameName[];

test('the document is valid AsyncAPI 3, and it is what a gateway serves', async () => {
  // The official schema has the schema of draft 7 in it, so Ajv may not have its own.
  const ajv = addFormats.default(new Ajv({ strict: false, meta: false, allErrors: true }));
  const isValid = ajv.compile(specs.schemas['3.0.0'] as AnySchema);
  assert.ok(!isValid({ ...socketDocument, info: {} }), 'the schema must refuse a document that is not valid');
  assert.ok(isValid(socketDocument), JSON.stringify(isValid.errors?.slice(0, 5), null, 1));
  const answer = await fetch(`${url}/docs/asyncapi.json`);
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.deepEqual(await answer.json(), socketDocument);
});

test('every reference in the document leads to a part of it', () => {
  const references = [...JSON.stringify(socketDocument).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => `${path}`);
  const partAt = (path: string) =>
    path
      .split('/')
      .reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], socketDocument);
  assert.deepEqual(
    references.filter((path) => partAt(path) === undefined),
    [],
  );
  assert.ok(references.length > 50);
});

test('the document has each command and each frame, and an operation for each', () => {
  const ofClient = [...commandNames, ...Object.keys(otherClientFrames)].map((name) => `client-${name}`);
  const ofGateway = Object.keys(gatewayFrames).map((name) => `gateway-${name}`);
  for (const part of [messages, socketDocument.channels.socket.messages, socketDocument.operations]) {
    assert.deepEqual(Object.keys(part).toSorted(), [...ofClient, ...ofGateway].toSorted());
  }
});

test('each error code is in one of the documents, and each close code in that of the socket', () => {
  const ofRoutes = routes.flatMap(errorsOf);
  // It is the answer to a method that no row of the table has.
  assert.match(apiDocument.info.description, /`method_not_allowed`/);
  const documented = new Set<string>([
    'method_not_allowed',
    ...ofRoutes,
    ...Object.keys(socketDocument['x-error-codes']),
  ]);
  assert.deepEqual([...documented].toSorted(), Object.keys(errors).toSorted());
  const closes = socketDocument['x-close-codes'].map(({ name, code }) => [name, code]);
  assert.deepEqual(Object.fromEntries(closes), closeCodes);
});

test('each field has a meaning, and only a field that a command does not need is not used', () => {
  for (const [key, { payload }] of Object.entries(messages)) {
    const unused = fieldsOf(payload).filter(({ description }) => description === UNUSED || !description);
    if (key.startsWith('gateway-')) assert.deepEqual(unused, [], key);
    for (const { name } of unused) assert.ok(!payload.required?.includes(name), `${key} ${name}`);
  }
});

test('each example fits the document and its schema', () => {
  for (const [name, { example }] of Object.entries(gatewayTexts)) {
    assertFits(`gateway-${name}`, example);
    parseExactly(gatewayFrames[name as keyof typeof gatewayTexts], example);
  }
  for (const name of clientNames) {
    const { example } = clientFrames[name];
    assertFits(`client-${name}`, example);
    parseExactly(isOtherFrame(name) ? otherClientFrames[name] : Command, example);
  }
});

for (const name of commandNames) {
  test(`the example of ${name} works`, async () => {
    const { client, example } = await createWorld(name);
    await client.commit(example as unknown as CommandFrame);
  });
}

/** What a client gets after one of the other frames. */
const answers: Record<OtherFrameName, GatewayFrameName> = {
  ...{ Resume: 'Resumed', MarkRead: 'Read', Watch: 'Presence', Typing: 'Typing' },
};

for (const [name, answer] of Object.entries(answers) as [OtherFrameName, GatewayFrameName][]) {
  test(`the example of ${name} works`, async () => {
    const { client, example, roomId } = await createWorld(name);
    if (name === 'Typing') client.send({ command: 'Watch', rooms: [roomId] });
    const before = client.frames.length;
    // A busy gateway drops `Typing`, so it is sent until the answer comes.
    client.send(example);
    await until(() => {
      if (name === 'Typing') client.send(example);
      return client.frames.slice(before).some(({ command }) => command === answer);
    });
    assert.deepEqual(client.errors(), []);
  });
}

test('the page of the document has each frame, each code and each example', async () => {
  const answer = await fetch(`${url}/docs/socket`);
  assert.match(answer.headers.get('content-security-policy') ?? '', /^default-src 'none'; script-src 'self'/);
  const page = await answer.text();
  const anchors = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(anchors).size, anchors.length, 'two places have the same id');
  const names = [...Object.keys(messages), ...Object.keys(socketDocument['x-error-codes'])];
  for (const name of names) assert.ok(anchors.includes(name), name);
  for (const [, link] of page.matchAll(/href="#([^"]+)"/g)) assert.ok(anchors.includes(link), link);
  for (const code of Object.values(closeCodes)) assert.ok(page.includes(`<td>${code}</td>`), `${code}`);
  assert.equal([...page.matchAll(/<pre /g)].length, Object.keys(messages).length);
});

/** Ann with an open socket, Bob, and a public room of Ann with a message. The example has their ids. */
async function createWorld(name: ClientFrameName) {
  const [ann, bob] = [await createAccount(url, 'Ann'), await createAccount(url, 'Bob')];
  const client = await Client.resume(url, ann.token, { rooms: {} });
  after(() => client.close());
  const { roomId } = await client.commit({ command: 'CreateRoom', text: 'A room', roomType: 'Public' });
  const { id } = await client.commit({ command: 'CreateMessage', roomId, text: 'Hello' });
  if (name === 'RemoveUser') await client.commit({ command: 'AddUser', roomId, targetId: bob.id });
  await client.waitForMessage({ id });
  const ids = { ann: ann.id, bob: bob.id, room: roomId, message: id };
  const replaced = Object.entries(exampleIds).map(([key, example]) => [example, ids[key as keyof typeof ids]] as const);
  const text = replaced.reduce(
    (all, [from, to]) => all.replaceAll(from, to),
    JSON.stringify(clientFrames[name].example),
  );
  return { client, roomId, example: JSON.parse(text) as Record<string, unknown> };
}

/** The fields of an object, also those of the objects in it. */
function fieldsOf({ properties = {} }: JsonSchema): { name: string; description: string | undefined }[] {
  return Object.entries(properties as Record<string, JsonSchema>).flatMap(([name, schema]) => [
    { name, description: schema.description },
    ...fieldsOf((schema.items as JsonSchema | undefined) ?? schema),
  ]);
}
