import { randomInt } from 'node:crypto';
import { readHex } from './frame-fields.ts';

const RUN_DIGITS = 8;
const INDEX_DIGITS = 8;
/** The index has the last digits of the ref: a UUID has 36 characters. */
const INDEX_AT = 36 - INDEX_DIGITS;

/** The refs of one run: UUIDs that contain the number of the run and the index of the message. */
export class Refs {
  readonly #run = randomInt(2 ** 32);

  /** @returns the ref of the message with this index */
  of(index: number): string {
    return `${hex(this.#run, RUN_DIGITS)}-0000-4000-8000-0000${hex(index, INDEX_DIGITS)}`;
  }

  /** @returns the index of the message, or -1 if the ref belongs to another run */
  indexIn(bytes: Buffer, at: number): number {
    return readHex(bytes, at, RUN_DIGITS) === this.#run ? readHex(bytes, at + INDEX_AT, INDEX_DIGITS) : -1;
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
