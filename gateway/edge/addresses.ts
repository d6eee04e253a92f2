import { BlockList, isIP, isIPv6, SocketAddress } from 'node:net';

const COUNTED_BITS = '/64';
/** For a connection that its client reset before the gateway accepted it. The kernel then has no address of the client. */
const NO_ADDRESS = '0.0.0.0';

/** Returns the IP address of a client, as limits count it: an IPv4 address, or the /64 network of an IPv6 address. */
export type AddressOf = (peer: ArrayBuffer, forwardedFor: string | undefined) => string;

/** Returns the IP address of a peer, as limits count it, or undefined for a trusted proxy. */
export type PeerOf = (peer: ArrayBuffer) => string | undefined;

/**
 * Makes the function that finds the IP address of a client. Normally this is the peer of the connection. If the peer is
 * a trusted proxy, it is the last address in `X-Forwarded-For` that is not a trusted proxy. All earlier addresses in
 * this header are ignored, because the client could have written them.
 * @param trusted IP addresses or networks of proxies
 */
export function createAddressOf(trusted: string[]): AddressOf {
  const proxies = blockListOf(trusted);
  return (peer, forwardedFor) => {
    let address = peerAddress(peer);
    const hops = trusted.length > 0 && forwardedFor ? forwardedFor.split(',') : [];
    while (hops.length > 0 && proxies.check(address, familyOf(address))) {
      const hop = withoutPort(hops.pop()?.trim() ?? '');
      if (isIP(hop) === 0) break;
      address = canonical(hop);
    }
    return counted(address);
  };
}

/** @param trusted IP addresses or networks of proxies */
export function createPeerOf(trusted: string[]): PeerOf {
  const proxies = blockListOf(trusted);
  return (peer) => {
    const address = peerAddress(peer);
    const isProxy = trusted.length > 0 && proxies.check(address, familyOf(address));
    return isProxy ? undefined : counted(address);
  };
}

/** Returns the network of an address that limits count: the /48 network of a /64 network, or the IPv4 address itself. */
export function networkOf(address: string): string {
  return address.endsWith(COUNTED_BITS) ? `${address.split(':').slice(0, 3).join(':')}::/48` : address;
}

function blockListOf(networks: string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    list.addSubnet(address, Number(bits ?? (isIPv6(address) ? 128 : 32)), familyOf(address));
  }
  return list;
}

function counted(address: string): string {
  return isIPv6(address) ? smallNetworkOf(address) : address;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

function peerAddress(peer: ArrayBuffer): string {
  const bytes = Buffer.from(peer);
  if (bytes.length === 0) return NO_ADDRESS;
  if (bytes.length === 4) return bytes.join('.');
  return canonical(Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':'));
}

/** Returns the canonical form of an IP address. An IPv4 address inside an IPv6 address becomes the IPv4 address. */
function canonical(address: string): string {
  if (!isIPv6(address)) return address;
  const { address: canonicalAddress } = new SocketAddress({ address, family: 'ipv6' });
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(canonicalAddress)?.[1] ?? canonicalAddress;
}

function withoutPort(hop: string): string {
  return /^\[(.*)\](:\d+)?$/.exec(hop)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop)?.[1] ?? hop;
}

function smallNetworkOf(address: string): string {
  const [front = '', back] = address.split('::');
  const groups = front.split(':').filter(Boolean);
  const rest = back === undefined ? [] : back.split(':').filter(Boolean);
  const zeros = Array.from({ length: 8 - groups.length - rest.length }, () => '0');
  return `${[...groups, ...zeros, ...rest].slice(0, 4).join(':')}::${COUNTED_BITS}`;
}
