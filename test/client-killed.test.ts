import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { type Command, EMPTY_ROOM, fold, type Message, Refused, RoomsClient } from '../shared/client/main.ts';
import { newId } from '../shared/contract/ids.ts';
import { TcpProxy } from '../shared/local/tcp-proxy.ts';
import { type Account, Client, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';
import { from } from './support/whole-numbers.ts';

// The client library, while the process of its gateway is killed. The proxy is a load balancer before two gateways.

const { cluster, database } = await startSystem({ gateways: 2, workers: 1 });
const [url, otherUrl] = cluster.urls as [string, string];
const proxy = await TcpProxy.open(url);
after(() => proxy.close());

/** The message that made Bob a member. */
const FIRST_OF_READER = 2;

type OpenClient = Awaited<ReturnType<typeof openClient>>;

async function openClient({ token }: Account) {
  const client = new RoomsClient({ url: proxy.url, token });
  after(() => client.close());
  const seen = { messages: [] as Message[], errors: [] as string[] };
  client.on('message', (message) => seen.messages.push(message));
  client.on('resync', (event) => seen.errors.push(inspect(event)));
  client.on('error', (error) => seen.errors.push(inspect(error)));
  await client.connect();
  return { client, seen };
}

/** Sends commands, and keeps the results of their promises: a seq, or the code of a refusal. */
class Sender {
  readonly #client: RoomsClient;
  readonly #outcomes = new Map<string, Promise<number | string>>();

  constructor(client: RoomsClient) {
    this.#client = client;
  }

  send(command: Command): void {
    const ref = newId();
    const outcome = this.#client.send(command, ref).then(
      ({ seq }) => seq,
      (error) => (error instanceof Refused ? error.code : inspect(error)),
    );
    this.#outcomes.set(ref, outcome);
  }

  /** By ref, in the order of the commands. */
  async readOutcomes(): Promise<Map<string, number | string>> {
    const outcomes = new Map<string, number | string>();
    for (const [ref, outcome] of this.#outcomes) outcomes.set(ref, await outcome);
    return outcomes;
  }

  /** Returns the seqs of the commands that Postgres has, by ref. */
  async readStored(): Promise<Map<string, number>> {
    const refs = [...this.#outcomes.keys()];
    const rows = await database<{ ref: string; seq: number }[]>`
      select ref, seq from messages where ref in ${database(refs)}`;
    return new Map(rows.map(({ ref, seq }) => [ref, seq]));
  }
}

/** Compares what the reader got with what HTTP shows, when the reader has the last message. */
async function assertHasEverything({ client, seen }: OpenClient, roomId: string): Promise<void> {
  const history = await client.request<Message[]>('GET', `/api/messages/${roomId}?size=100`);
  const head = Number(history.headers.get('rooms-seq'));
  const received = () => seen.messages.filter((message) => message.roomId === roomId);
  const seqs = () => received().map(({ seq }) => seq);
  await until(
    () => seqs().at(-1) === head,
    undefined,
    () => `${seqs()} of ${head}`,
  );
  assert.deepEqual(seqs(), from(FIRST_OF_READER, head));
  const textsOf = (messages: readonly Message[]) => messages.map(({ id, text }) => `${id} ${text}`);
  const shown = history.body.toReversed().slice(FIRST_OF_READER - 1);
  assert.deepEqual(textsOf(received().reduce(fold, EMPTY_ROOM).messages), textsOf(shown));
}

test('each promise has the true outcome and no message is missed, although the gateway is killed', async () => {
  const [ann, bob] = [await createAccount(url, 'Ann'), await createAccount(url, 'Bob')];
  const cyd = await createAccount(url, 'Cyd');
  const [sender, reader] = [await openClient(ann), await openClient(bob)];
  const other = await Client.connect(otherUrl, cyd.token);
  after(() => other.close());
  const { roomId: foreignId } = await other.commit({ command: 'CreateRoom', text: 'a room of Cyd' });
  const openRoom = async () => {
    const { roomId } = await sender.client.send({ command: 'CreateRoom', text: 'a room' });
    for (const { id } of [bob, cyd]) await sender.client.send({ command: 'AddUser', roomId, targetId: id });
    return { roomId, targetId: (await sender.client.write(roomId, 'before')).id };
  };
  const [first, second] = [await openRoom(), await openRoom()];
  const ofCyd = await other.commit({ command: 'CreateMessage', roomId: first.roomId, text: 'of Cyd' });
  await until(() => reader.seen.messages.some(({ id }) => id === ofCyd.id));

  const commands = new Sender(sender.client);
  const forbidden: Command = { command: 'CreateMessage', roomId: foreignId, text: 'not allowed' };
  // The gateway gets these commands, but its answers are lost. The client sends one command of a room at a time.
  proxy.onReply = () => undefined;
  commands.send({ command: 'UpdateMessage', ...first, text: 'edited' });
  commands.send({ command: 'DeleteMessage', ...second });
  commands.send(forbidden);
  let before = new Map<string, number>();
  await until(
    async () => {
      before = await commands.readStored();
      return before.size === 2;
    },
    undefined,
    () => inspect(before),
  );
  commands.send({ command: 'CreateMessage', roomId: first.roomId, text: 'before the kill' });
  process.kill(cluster.gateways[0]?.pid as number, 'SIGKILL');
  commands.send({ command: 'UpdateMessage', ...first, text: 'edited again' });
  commands.send(forbidden);
  commands.send({ command: 'CreateMessage', roomId: second.roomId, text: 'after the kill' });
  const change = { roomId: first.roomId, targetId: ofCyd.id };
  await other.commit({ command: 'UpdateMessage', ...change, text: 'edited by Cyd' });
  await other.commit({ command: 'DeleteMessage', ...change });
  await other.commit({ command: 'CreateMessage', roomId: second.roomId, text: 'of Cyd again' });
  proxy.heal();
  proxy.target = otherUrl;

  const outcomes = await commands.readOutcomes();
  const stored = await commands.readStored();
  const truth = [...outcomes.keys()].map((ref): [string, number | string] => [ref, stored.get(ref) ?? 'no_such_room']);
  assert.deepEqual([...outcomes], truth);
  assert.deepEqual([outcomes.size, stored.size], [7, 5]);
  for (const [ref, seq] of before) assert.equal(outcomes.get(ref), seq);
  for (const { roomId } of [first, second]) await assertHasEverything(reader, roomId);
  assert.deepEqual([...reader.seen.errors, ...sender.seen.errors], []);
});
