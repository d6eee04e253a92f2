/**
 * The hash FNV-1a with 32 bits. It is cheap, it spreads ids evenly, and a text has the same hash in every process.
 * @returns a whole number from 0 to 2 ** 32 - 1
 */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
