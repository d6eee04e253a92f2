import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../shared/client/http.ts';
import type { Message } from '../../../shared/client/protocol.ts';
import { until } from '../../../test/support/until.ts';
import { RoomList } from './room-list.ts';

type Listener = (event: never) => void;

/** A client whose events the test sends. */
function openList(rooms: Record<string, string | undefined>, pages: Record<string, [seq: number, Message[]]> = {}) {
  const listeners = new Map<string, Listener>();
  const requests: string[] = [];
  const known = new Map(
    Object.entries(rooms).map(([id, name]) => [id, { name, roomType: name ? ('Public' as const) : undefined }]),
  );
  const list = new RoomList({
    rooms: known,
    positionOf: () => undefined,
    on: (name: string, listener: Listener) => {
      listeners.set(name, listener);
      return () => listeners.delete(name);
    },
    request: async <T>(_method: string, path: string): Promise<Answer<T>> => {
      requests.push(path);
      const id = path.split(/[/?]/)[3] ?? '';
      const [seq, messages] = pages[id] ?? [0, []];
      const body = path.startsWith('/api/rooms') ? { name: `name of ${id}`, roomType: 'Public' } : messages;
      return { body: body as T, headers: new Headers({ 'rooms-seq': `${seq}` }) };
    },
  } as ConstructorParameters<typeof RoomList>[0]);
  const emit = (name: string, event: unknown) => listeners.get(name)?.(event as never);
  const texts = () => list.getSnapshot().map(({ id, last }) => `${id}: ${last?.command} ${last?.text}`);
  return { list, known, emit, texts, requests };
}

function message(roomId: string, seq: number, fields: Partial<Message> = {}): Message {
  const time = `2026-01-01T00:00:${`${seq}`.padStart(2, '0')}.000Z`;
  const id = `${roomId} ${seq}`;
  const basics = {
    id,
    seq,
    roomId,
    userId: 'ann',
    command: 'CreateMessage',
    targetId: roomId,
    text: `${seq}`,
  } as const;
  return { ...basics, createdAt: time, updatedAt: time, ref: id, ...fields };
}

test('the room with the newest message is first, and its edit or deletion changes the row', () => {
  const { emit, texts } = openList({ tea: 'Tea', milk: 'Milk' });
  emit('message', message('milk', 1));
  emit('message', message('tea', 2));
  assert.deepEqual(texts(), ['tea: CreateMessage 2', 'milk: CreateMessage 1']);
  emit('message', message('milk', 3, { command: 'UpdateMessage', targetId: 'milk 1', text: 'new' }));
  assert.deepEqual(texts(), ['tea: CreateMessage 2', 'milk: UpdateMessage new']);
  emit('message', message('tea', 4, { command: 'DeleteMessage', targetId: 'tea 2', text: '' }));
  assert.deepEqual(texts(), ['tea: DeleteMessage ', 'milk: UpdateMessage new']);
});

test('a visible row loads its last message once, and a message that came meanwhile stays', async () => {
  const pages: Record<string, [number, Message[]]> = { tea: [5, [message('tea', 5)]], milk: [7, [message('milk', 7)]] };
  const { list, emit, texts, requests } = openList({ tea: 'Tea', milk: 'Milk' }, pages);
  for (const id of ['tea', 'tea', 'milk']) list.show(id);
  emit('message', message('tea', 6));
  await until(() => texts().includes('milk: CreateMessage 7'));
  assert.deepEqual(texts(), ['milk: CreateMessage 7', 'tea: CreateMessage 6']);
  assert.deepEqual(requests, ['/api/messages/tea?size=1', '/api/messages/milk?size=1']);
});

test('a room without a name loads its record', async () => {
  const { list } = openList({ tea: undefined });
  list.show('tea');
  await until(() => list.getSnapshot()[0]?.name === 'name of tea');
  assert.equal(list.getSnapshot()[0]?.roomType, 'Public');
});
