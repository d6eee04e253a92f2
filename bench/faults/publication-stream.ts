import type { Random } from '../proof/seeded-random.ts';

const CRLF = '\r\n';
const PUBLICATION = /^[>*]\d+\r\n\$7\r\nmessage\r\n\$\d+\r\n([^\r]*)\r\n/;
const MAX_HEADER_BYTES = 200;
/** The job, the lane and the number of a batch. */
const REPLY = /"job":"[^"]+","lane":\d+,"number":\d+/;
/** One publication in twenty is disturbed. */
const ONE_IN = 20;

/** One value of the Redis protocol (RESP). */
export interface RedisValue {
  bytes: Buffer;
  /** Of a publication. */
  channel: string | undefined;
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
      values.push({ bytes: value, channel: PUBLICATION.exec(value.toString('latin1', 0, MAX_HEADER_BYTES))?.[1] });
      start = end;
    }
    this.#rest = all.subarray(start);
    return values;
  }
}

/** Drops, doubles or swaps one publication in twenty. */
export function disturb(values: RedisValue[], random: Random): Buffer {
  const sent: Buffer[] = [];
  for (const { bytes, channel } of values) {
    const fault = channel !== undefined && random(ONE_IN) === 0 ? random(3) : undefined;
    if (fault === 0) continue;
    if (fault === 2 && sent.length > 0) sent.splice(-1, 0, bytes);
    else sent.push(bytes);
    if (fault === 1) sent.push(bytes);
  }
  return Buffer.concat(sent);
}

/** Chooses each second reply to a batch, and never two replies to the same batch. */
export class ReplyChoice {
  readonly #chosen = new Set<string>();
  #isNext = false;

  has({ bytes, channel }: RedisValue): boolean {
    if (!channel?.includes(':gateway:')) return false;
    const batch = REPLY.exec(bytes.toString('latin1'))?.[0];
    if (!batch || this.#chosen.has(`${channel} ${batch}`)) return false;
    this.#isNext = !this.#isNext;
    if (this.#isNext) this.#chosen.add(`${channel} ${batch}`);
    return this.#isNext;
  }
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
