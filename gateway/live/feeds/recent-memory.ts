import { limits } from '../../../shared/contract/limits.ts';
import type { RecentRecords } from './recent-records.ts';

const MAX_CHARACTERS = limits.MAX_RECENT_MEGABYTES * 1024 * 1024;

/**
 * The recent records of all rooms of a gateway, with a bound for all of them together. Above the bound, rooms without a
 * new record since the last look are forgotten first.
 */
export class RecentMemory {
  /** The oldest look is first. The value is true if the room got a record since then. */
  readonly #rooms = new Map<RecentRecords, boolean>();
  #characters = 0;

  /** The characters of all kept records. */
  get characters(): number {
    return this.#characters;
  }

  add(records: RecentRecords, seq: number, record: string): void {
    const before = records.characters;
    records.add(seq, record);
    this.#characters += records.characters - before;
    this.#rooms.set(records, true);
    while (this.#characters > MAX_CHARACTERS) this.#forgetOne();
  }

  remove(records: RecentRecords): void {
    this.#rooms.delete(records);
    this.#characters -= records.characters;
    records.clear();
  }

  #forgetOne(): void {
    for (const [records, isUsed] of this.#rooms) {
      if (!isUsed) {
        this.remove(records);
        return;
      }
      this.#rooms.delete(records);
      this.#rooms.set(records, false);
    }
  }
}
