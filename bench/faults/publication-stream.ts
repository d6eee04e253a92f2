import type { Random } from '../proof/seeded-random.ts';

const CRLF = '\r\n';
/** One publication in twenty is disturbed. */
const ONE_IN = 20;

/** One value of the Redis protocol (RESP). */
export interface RedisValue {
  bytes: Buffer;
  isPublication: boolean;
}

/** Cuts the bytes that Redis sends on one connection into values. Keeps an incomplete value for the next call. */
export class PublicationStream {
  #rest = Buffer.alloc(0);

  read(bytes: Buffer): RedisValue[] {
    const all = Buffer.concat([this.#rest, bytes]);
    const values: RedisValue[] = [];
    let start = 0;
    for (let end = endOfValue(all, 0); end > 0; end = endOfValue(all, start)) {
      const value = all.subarray(start, end);
      values.push({
        bytes: value,
        isPublication: /^[>*]\d+\r\n\$7\r\nmessage\r\n/.test(value.toString('latin1', 0, 32)),
      });
      start = end;
    }
    this.#rest = all.subarray(start);
    return values;
  }
}

/** Drops, doubles or swaps one publication in twenty. */
export function disturb(values: RedisValue[], random: Random): Buffer {
  const sent: Buffer[] = [];
  for (const { bytes, isPublication } of values) {
    const fault = isPublication && random(ONE_IN) === 0 ? random(3) : undefined;
    if (fault === 0) continue;
    if (fault === 2 && sent.length > 0) sent.splice(-1, 0, bytes);
    else sent.push(bytes);
    if (fault === 1) sent.push(bytes);
  }
  return Buffer.concat(sent);
}

/** @returns where the value ends that begins at `start`, or -1 if it is incomplete */
function endOfValue(bytes: Buffer, start: number): number {
  const lineEnd = bytes.indexOf(CRLF, start);
  if (start >= bytes.length || lineEnd < 0) return -1;
  const type = String.fromCharCode(bytes[start] as number);
  const length = Number(bytes.toString('latin1', start + 1, lineEnd));
  const next = lineEnd + CRLF.length;
  if ('$=!'.includes(type)) return endOfText(bytes, next, length);
  if (!'*>~%'.includes(type)) return next;
  return endOfValues(bytes, next, type === '%' ? 2 * length : length);
}

function endOfText(bytes: Buffer, start: number, length: number): number {
  if (length < 0) return start;
  const end = start + length + CRLF.length;
  return end <= bytes.length ? end : -1;
}

function endOfValues(bytes: Buffer, start: number, count: number): number {
  let at = start;
  for (let index = 0; index < count && at >= 0; index++) at = endOfValue(bytes, at);
  return at;
}
