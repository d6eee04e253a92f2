import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAddresses } from './addresses.ts';

const bytes = (...each: number[]) => Uint8Array.from(each).buffer;
const peer = bytes(10, 0, 0, 1);
const v6 = bytes(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9);
const mapped = bytes(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1);

test('without trusted proxies the peer is the client, whatever he writes', () => {
  const addressOf = readAddresses([]);
  assert.equal(addressOf(peer, '1.2.3.4'), '10.0.0.1');
  assert.equal(addressOf(mapped, undefined), '10.0.0.1');
});

test('of an IPv6 address the network counts, for whoever has one has all of it', () => {
  assert.equal(readAddresses([])(v6, undefined), '2001:db8:0:7::/64');
  assert.equal(readAddresses(['10.0.0.1'])(peer, '2001:DB8:0:7:1:2:3:4'), '2001:db8:0:7::/64');
  assert.equal(readAddresses(['2001:db8::/32'])(v6, '1.2.3.4'), '1.2.3.4');
  assert.equal(readAddresses([])(bytes(...new Uint8Array(15), 1), undefined), '0:0:0:0::/64');
});

const forwarded: [forwardedFor: string, address: string][] = [
  ['1.2.3.4', '1.2.3.4'],
  ['1.1.1.1, 1.2.3.4', '1.2.3.4'],
  ['1.1.1.1, 1.2.3.4, 10.9.9.9', '1.2.3.4'],
  ['1.2.3.4:5678', '1.2.3.4'],
  ['[2001:db8::1]:443', '2001:db8:0:0::/64'],
  ['::ffff:1.2.3.4', '1.2.3.4'],
  ['10.0.0.2, 10.0.0.3', '10.0.0.2'],
  ['1.2.3.4, nonsense', '10.0.0.1'],
  ['', '10.0.0.1'],
];
for (const [forwardedFor, address] of forwarded) {
  test(`behind a trusted proxy, "${forwardedFor}" is ${address}`, () => {
    assert.equal(readAddresses(['10.0.0.0/8'])(peer, forwardedFor), address);
  });
}
