import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { errors } from '../../shared/contract/errors.ts';
import { type Account, call, createAccount, logIn } from '../support/client.ts';
import { startSystem, testServices } from '../support/system.ts';
import { fuzzConfig, type KnownValues } from './fuzz-config.ts';
import { type Fuzzer, prepareFuzzer } from './fuzzer.ts';

const { fuzzer, why } = await prepareFuzzer();
const skip = why ?? false;
const env = { ENVIRONMENT: 'dev', CAUGHT_MAILS: mkdtempSync(join(testServices().home, 'mails-')) };
const { cluster, database } = await startSystem({ gateways: 1, workers: 1, mail: true, env });
const [url] = cluster.urls as [string];
const owner = await createAccount(url, 'Owner');
const known = await createKnownValues(owner);

const run = ({ token, args }: { token?: string; args: string[] }) =>
  (fuzzer as Fuzzer).run({ url, config: fuzzConfig(known), ...(token && { token }), args });

/** A socket is no request and no answer. */
const WITHOUT_SOCKET = ['--exclude-path', '/api/ws'];
/** These end the token of the caller, so all later calls would be refused. */
const WITHOUT_LOGOUT = ['--exclude-path-regex', 'logout'];

test('every answer to a caller without a token fits the document', { skip }, async () => {
  const args = ['--include-tag', 'Accounts', ...WITHOUT_LOGOUT, '--phases', 'examples,coverage,fuzzing'];
  const accepted = await run({ args: [...args, '--max-examples', '5'] });
  for (const path of ['send-otp', 'register', 'login']) assertAccepted(accepted, `POST /api/users/${path}`);
});

test('every answer to a user fits the document', { skip }, async () => {
  // Without DELETE, so that the rooms and messages last until each operation had them.
  const args = [...WITHOUT_SOCKET, ...WITHOUT_LOGOUT, '--exclude-tag', 'Accounts', '--exclude-method', 'DELETE'];
  const accepted = await run({ token: owner.token, args: [...args, '--max-examples', '15'] });
  for (const operation of Object.keys(accepted)) {
    if (!/roles|-otp|files|page/.test(operation)) assertAccepted(accepted, operation);
  }
});

test('every answer to a user who also deletes fits the document', { skip }, async () => {
  const args = [...WITHOUT_LOGOUT, '--include-tag', 'Rooms', '--include-tag', 'Messages'];
  const accepted = await run({ token: owner.token, args: [...args, '--max-examples', '15'] });
  for (const path of ['rooms', 'messages']) assertAccepted(accepted, `DELETE /api/${path}/{id}`);
});

test('every answer to an admin fits the document', { skip }, async () => {
  const admin = await createAccount(url, 'Admin');
  await database`update users set roles = '{user,admin}' where id = ${admin.id}`;
  const args = [...WITHOUT_SOCKET, ...WITHOUT_LOGOUT, '--phases', 'fuzzing,stateful', '--max-examples', '15'];
  const accepted = await run({ token: admin.token, args });
  for (const method of ['POST', 'DELETE']) assertAccepted(accepted, `${method} /api/users/{id}/roles/{role}`);
});

for (const path of ['/api/users/logout', '/api/users/logout-all']) {
  test(`every answer of ${path} fits the document, also after the token has ended`, { skip }, async () => {
    const token = await logIn(url, owner.email);
    await run({ token, args: ['--include-path', path, '--phases', 'examples,coverage'] });
    const answer = await call(url, 'GET /api/users/current', { token });
    assert.equal(answer.status, errors.token_revoked.status);
  });
}

function assertAccepted(accepted: Record<string, number>, operation: string): void {
  assert.ok((accepted[operation] ?? 0) > 0, `no input of ${operation} was accepted: ${JSON.stringify(accepted)}`);
}

async function createKnownValues({ id, token, email }: Account): Promise<KnownValues> {
  const other = await createAccount(url, 'Other');
  const create = async (path: string, body: object) =>
    ((await call(url, `POST ${path}`, { token, body })).body as { id: string }).id;
  const room = await create('/api/rooms', { name: 'a room' });
  const write = () => create(`/api/messages/${room}`, { text: 'a text' });
  const messages = [await write(), await write()];
  const spareMessages = [await write(), await write()];
  const spareRooms = [await create('/api/rooms', { name: 'first' }), await create('/api/rooms', { name: 'second' })];
  return { rooms: [room], spareRooms, messages, spareMessages, users: [id, other.id], email };
}
