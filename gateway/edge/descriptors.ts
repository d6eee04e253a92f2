import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';

/** What systems without /proc usually allow. */
const USUAL_DESCRIPTORS = 1_024;

/** Returns how many descriptors this process may have. Each connection, each file and each socket needs one. */
export function maxDescriptors(): number {
  try {
    const [, max] = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return max === 'unlimited' ? Number.POSITIVE_INFINITY : Number(max ?? USUAL_DESCRIPTORS);
  } catch {
    return USUAL_DESCRIPTORS;
  }
}

/** Returns the number of open descriptors of this process. */
export async function countDescriptors(): Promise<number> {
  return (await readdir('/proc/self/fd')).length;
}
