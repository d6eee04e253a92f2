import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../proof/seeded-random.ts';
import { disturb, PublicationStream, ReplyChoice } from './publication-stream.ts';

const publication = (payload: string) => `>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$${payload.length}\r\n${payload}\r\n`;
const others = '+OK\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n%1\r\n$1\r\na\r\n$-1\r\n';

test('values of Redis are found, however their bytes are cut', () => {
  const bytes = Buffer.from(others + publication('one\r\n') + publication('two'));
  for (let size = 1; size <= bytes.length; size++) {
    const stream = new PublicationStream();
    const values = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      stream.read(bytes.subarray(index * size, (index + 1) * size)),
    ).flat();
    assert.deepEqual(
      values.map(({ channel }) => channel),
      [undefined, undefined, undefined, 'c', 'c'],
    );
    assert.equal(Buffer.concat(values.map((value) => value.bytes)).compare(bytes), 0);
  }
});

test('only publications are dropped, doubled and swapped', () => {
  const payloads = Array.from({ length: 1_000 }, (_, index) => `p${index}`);
  const random = seededRandom(1);
  const read = (text: string) => disturb(new PublicationStream().read(Buffer.from(text)), random).toString();
  assert.equal(read(others.repeat(1_000)), others.repeat(1_000));
  const got = [...read(payloads.map(publication).join('')).matchAll(/p\d+/g)].map(([payload]) => payload);
  const counts = Map.groupBy(got, (payload) => payload);
  assert.ok(payloads.some((payload) => !counts.has(payload)));
  assert.ok([...counts.values()].some(({ length }) => length === 2));
  assert.ok(got.some((payload, index) => Number(payload.slice(1)) < Number(got[index - 1]?.slice(1) ?? 0)));
});

test('each second reply to a batch is chosen, and no two replies to the same batch', () => {
  const reply = (number: number) => ({
    channel: 'p:gateway:g',
    bytes: Buffer.from(`{"job":"room-commands","lane":0,"number":${number},"outcomes":[]}`),
  });
  const chosen = new ReplyChoice();
  assert.deepEqual(
    [1, 1, 2, 3, 3, 4].map((number) => chosen.has(reply(number))),
    [true, false, false, true, false, false],
  );
  assert.equal(chosen.has({ ...reply(5), channel: 'p:notices' }), false);
});
