import { readFileSync } from 'node:fs';
import type { Cluster } from '../shared/local/cluster.ts';

/** @returns the resident memory of all gateways, in KB */
export function gatewayKb({ gateways }: Cluster): number {
  return gateways.reduce((sum, { pid }) => sum + readKb(`/proc/${pid}/status`, 'VmRSS'), 0);
}

/** @returns the memory of the kernel's objects, in KB. The objects of sockets are among them. */
export function kernelKb(): number {
  return readKb('/proc/meminfo', 'Slab');
}

function readKb(path: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(path, 'utf8'))?.[1]);
}
