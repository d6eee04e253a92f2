import { BlockList, isIP, isIPv6, SocketAddress } from 'node:net';

/** Where a request comes from, as limits count it: an IPv4 address, or the network (/64) of an IPv6 address. */
export type AddressOf = (peer: ArrayBuffer, forwardedFor: string | undefined) => string;

/**
 * The address of the peer; or if that is a trusted proxy, the last one in `X-Forwarded-For` that is none. What stands
 * before that anyone may have written.
 * @param trusted addresses or networks
 */
export function readAddresses(trusted: string[]): AddressOf {
  const proxies = new BlockList();
  for (const network of trusted) {
    const [address = '', bits] = network.split('/');
    proxies.addSubnet(address, Number(bits ?? (isIPv6(address) ? 128 : 32)), familyOf(address));
  }
  return (peer, forwardedFor) => {
    let address = textOf(peer);
    const hops = trusted.length > 0 && forwardedFor ? forwardedFor.split(',') : [];
    while (hops.length > 0 && proxies.check(address, familyOf(address))) {
      const hop = withoutPort(hops.pop()?.trim() ?? '');
      if (isIP(hop) === 0) break;
      address = plain(hop);
    }
    return isIPv6(address) ? networkOf(address) : address;
  };
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

function textOf(peer: ArrayBuffer): string {
  const bytes = Buffer.from(peer);
  if (bytes.length === 4) return bytes.join('.');
  return plain(Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':'));
}

/** In the usual form; an IPv4 address also if it came as an IPv6 one. */
function plain(address: string): string {
  if (!isIPv6(address)) return address;
  const { address: usual } = new SocketAddress({ address, family: 'ipv6' });
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(usual)?.[1] ?? usual;
}

function withoutPort(hop: string): string {
  return /^\[(.*)\](:\d+)?$/.exec(hop)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop)?.[1] ?? hop;
}

function networkOf(address: string): string {
  const [front = '', back] = address.split('::');
  const groups = front.split(':').filter(Boolean);
  const rest = back === undefined ? [] : back.split(':').filter(Boolean);
  const zeros = Array.from({ length: 8 - groups.length - rest.length }, () => '0');
  return `${[...groups, ...zeros, ...rest].slice(0, 4).join(':')}::/64`;
}
