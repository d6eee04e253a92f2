import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Client } from '../../test/support/client.ts';
import { openTestGateway } from '../../test/support/in-process.ts';

const { addUser, openAnother } = await openTestGateway();
const CREATE_ROOM = { command: 'CreateRoom', text: 'a room' } as const;
const GOING_AWAY = { code: 4000, reason: 'going away' };

/** Lets the commands of a gateway wait until the returned function is called. */
function holdCommands({ userRates }: Awaited<ReturnType<typeof openAnother>>['gateway']): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  mock.method(userRates, 'countCommand', () => promise);
  return resolve;
}

test('a gateway that stops closes idle sockets first, and a socket with a command after its outcome', async () => {
  const { token } = await addUser();
  const { gateway, url } = await openAnother();
  const [idle, classic] = [await Client.connect(url, token), await Client.connect(url, token, 'classic')];
  const busy = await Client.connect(url, token);
  const release = holdCommands(gateway);
  const answer = busy.ask(CREATE_ROOM);
  await busy.roundTripOfPings();
  const stopped = gateway.stop();
  assert.deepEqual(await idle.waitForClose(), GOING_AWAY);
  assert.deepEqual(await classic.waitForClose(), GOING_AWAY);
  assert.deepEqual([busy.closed, busy.frames.at(-1)], [undefined, { command: 'GoingAway', after: 3_000 }]);
  assert.deepEqual(classic.frames, []);
  release();
  assert.equal((await answer).command, 'Ack');
  assert.deepEqual(await busy.waitForClose(), GOING_AWAY);
  await stopped;
});

test('a gateway that stops still takes commands for three seconds, and its HTTP answers close their connections', async () => {
  const { token } = await addUser();
  const { gateway, url } = await openAnother();
  const client = await Client.connect(url, token);
  assert.equal((await fetch(`${url}/healthz`)).headers.get('connection'), null);
  const release = holdCommands(gateway);
  const early = client.ask(CREATE_ROOM);
  const stopped = gateway.stop();
  await client.until(() => client.frames.find(({ command }) => command === 'GoingAway'));
  const late = client.ask(CREATE_ROOM);
  // The connection of the first request is still open.
  assert.equal((await fetch(`${url}/healthz`)).headers.get('connection'), 'close');
  release();
  assert.deepEqual([(await early).command, (await late).command], ['Ack', 'Ack']);
  await stopped;
});

test('when a gateway that stops refuses new commands, a socket that goes on gets unavailable, and then its close', async () => {
  const { token } = await addUser();
  const { gateway, url } = await openAnother();
  const client = await Client.connect(url, token, 'classic');
  const refusing = Promise.withResolvers<void>();
  const { dispatcher } = gateway;
  const refuseNew = dispatcher.refuseNew.bind(dispatcher);
  mock.method(dispatcher, 'refuseNew', () => {
    refuseNew();
    refusing.resolve();
  });
  const release = holdCommands(gateway);
  client.send(CREATE_ROOM);
  await client.roundTripOfPings();
  const stopped = gateway.stop();
  await refusing.promise;
  client.send(CREATE_ROOM);
  await client.roundTripOfPings();
  release();
  await client.waitForClose();
  assert.deepEqual([...new Set(client.errors().map(({ code }) => code))], ['unavailable']);
  await stopped;
});
