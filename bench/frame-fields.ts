const MAX_KNOWN_PLACES = 8;

/**
 * Finds a field in the JSON of many frames that look alike, without parsing them. It remembers where the field was,
 * counted from the beginning and from the end of the frame, and searches only if the field is at none of these places.
 * The bytes `"name":` cannot be inside a text, because JSON escapes each `"` of a text.
 */
export class FieldFinder {
  readonly #key: Buffer;
  readonly #fromStart: number[] = [];
  readonly #fromEnd: number[] = [];

  constructor(name: string) {
    this.#key = Buffer.from(`"${name}":`);
  }

  /** @returns where the value of the field begins, or -1 if the frame does not have the field */
  find(bytes: Buffer, start: number, end: number): number {
    for (const distance of this.#fromEnd) {
      const at = end - distance;
      if (at >= start && this.#isAt(bytes, at)) return at + this.#key.length;
    }
    for (const distance of this.#fromStart) {
      const at = start + distance;
      if (at + this.#key.length < end && this.#isAt(bytes, at)) return at + this.#key.length;
    }
    return this.#search(bytes, start, end);
  }

  #isAt(bytes: Buffer, at: number): boolean {
    for (let index = 0; index < this.#key.length; index++) if (bytes[at + index] !== this.#key[index]) return false;
    return true;
  }

  #search(bytes: Buffer, start: number, end: number): number {
    const at = bytes.subarray(start, end).indexOf(this.#key);
    if (at < 0) return -1;
    remember(this.#fromStart, at);
    remember(this.#fromEnd, end - start - at);
    return start + at + this.#key.length;
  }
}

/** Reads a whole number without a sign. */
export function readNumber(bytes: Buffer, at: number): number {
  let value = 0;
  for (let index = at; isDigit(bytes[index] as number); index++) value = value * 10 + (bytes[index] as number) - 48;
  return value;
}

/** Reads lower-case hexadecimal digits. */
export function readHex(bytes: Buffer, at: number, digits: number): number {
  let value = 0;
  for (let index = at; index < at + digits; index++) {
    const byte = bytes[index] as number;
    value = value * 16 + byte - (byte < 58 ? 48 : 87);
  }
  return value;
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

function remember(places: number[], place: number): void {
  places.unshift(place);
  places.length = Math.min(places.length, MAX_KNOWN_PLACES);
}
