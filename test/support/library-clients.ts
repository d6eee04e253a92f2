import { after, afterEach } from 'node:test';
import { inspect } from 'node:util';
import type { ClientOptions } from '../../shared/client/client-options.ts';
import type { Message } from '../../shared/client/protocol.ts';
import { RoomsClient } from '../../shared/client/rooms-client.ts';
import { TcpProxy } from '../../shared/local/tcp-proxy.ts';
import { signToken } from './client.ts';
import { openTestGateway } from './in-process.ts';

// Clients of shared/client, behind a proxy before a gateway: for the tests of the client library.

export const API_SECRET = 'the secret of these tests, with different characters';
export const { url, database, addUser, openAnother } = await openTestGateway({ API_SECRET });
export const proxy = await TcpProxy.open(url);
after(() => proxy.close());

const clients = new Set<RoomsClient>();
/** After each test, the link works and no client is open. */
afterEach(async () => {
  proxy.heal();
  proxy.target = url;
  await Promise.all([...clients].map((client) => client.close()));
  clients.clear();
});

export const optionsOf = (userId: string): ClientOptions => ({
  ...{ url: proxy.url, token: () => signToken(API_SECRET, userId, '1h') },
});

/** Opens a client behind the proxy, which is live. It keeps what it does and gets. */
export async function openClient(userId: string, options: Partial<ClientOptions> = {}) {
  const client = new RoomsClient({ ...optionsOf(userId), ...options });
  clients.add(client);
  const seen = { states: [] as string[], messages: [] as Message[], outcomes: [] as string[], events: [] as string[] };
  client.on('state', ({ to, reason }) => seen.states.push(`${to}: ${reason}`));
  client.on('message', (message) => seen.messages.push(message));
  client.on('outcome', ({ ref, ack, refused }) => seen.outcomes.push(`${ref}: ${ack?.seq ?? refused?.code}`));
  client.on('resync', ({ roomId, seq }) => seen.events.push(`resync ${roomId} ${seq}`));
  client.on('left', ({ roomId }) => seen.events.push(`left ${roomId}`));
  client.on('error', (error) => seen.events.push(inspect(error)));
  await client.connect();
  return { client, seen };
}

/** Ann owns a room with Bob. */
export async function openRoom() {
  const [{ id: annId }, { id: bobId }] = [await addUser('Ann'), await addUser('Bob')];
  const ann = await openClient(annId);
  const { roomId } = await ann.client.send({ command: 'CreateRoom', text: 'the room' });
  await ann.client.send({ command: 'AddUser', roomId, targetId: bobId });
  return { ann, annId, bobId, roomId };
}

/** What HTTP shows: every message with its text of now. */
export async function readLog(client: RoomsClient, roomId: string): Promise<Message[]> {
  return (await client.request<{ events: Message[] }>('GET', `/api/rooms/${roomId}/events?after=0&size=500`)).body
    .events;
}

/** @returns the seqs of the messages of this room */
export const seqsOf = (messages: Message[], roomId: string) =>
  messages.filter((each) => each.roomId === roomId).map(({ seq }) => seq);
