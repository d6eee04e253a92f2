import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAddressOf, createPeerOf, networkOf } from './addresses.ts';

const bytes = (...each: number[]) => Uint8Array.from(each).buffer;
const peer = bytes(10, 0, 0, 1);
const v6 = bytes(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9);
const mapped = bytes(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1);

test('without trusted proxies the address is the address of the peer, and X-Forwarded-For is ignored', () => {
  const addressOf = createAddressOf([]);
  assert.equal(addressOf(peer, '1.2.3.4'), '10.0.0.1');
  assert.equal(addressOf(mapped, undefined), '10.0.0.1');
});

test('an IPv6 address counts as its /64 network, because one client has the whole network', () => {
  assert.equal(createAddressOf([])(v6, undefined), '2001:db8:0:7::/64');
  assert.equal(createAddressOf(['10.0.0.1'])(peer, '2001:DB8:0:7:1:2:3:4'), '2001:db8:0:7::/64');
  assert.equal(createAddressOf(['2001:db8::/32'])(v6, '1.2.3.4'), '1.2.3.4');
  assert.equal(createAddressOf([])(bytes(...new Uint8Array(15), 1), undefined), '0:0:0:0::/64');
});

test('a connection that was reset before it was accepted has the address 0.0.0.0', () => {
  for (const trusted of [[], ['10.0.0.0/8']]) {
    assert.equal(createAddressOf(trusted)(new ArrayBuffer(0), '1.2.3.4'), '0.0.0.0');
    assert.equal(createPeerOf(trusted)(new ArrayBuffer(0)), '0.0.0.0');
  }
});

test('the network of an IPv6 address is its /48 network, and an IPv4 address is its own network', () => {
  assert.equal(networkOf(createAddressOf([])(v6, undefined)), '2001:db8:0::/48');
  assert.equal(networkOf(createAddressOf([])(peer, undefined)), '10.0.0.1');
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
  test(`behind a trusted proxy, the header X-Forwarded-For "${forwardedFor}" gives the address ${address}`, () => {
    assert.equal(createAddressOf(['10.0.0.0/8'])(peer, forwardedFor), address);
  });
}
