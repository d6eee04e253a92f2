import type { ReceivedFrame } from './member.ts';

/** Names for ids. Two servers make different ids for the same things. */
export class Labels {
  readonly #names = new Map<string, string>();

  add(id: string | undefined, name: string): void {
    if (id) this.#names.set(id, name);
  }

  /** Replaces ids by names, and times by whether they are equal. */
  replace(value: unknown): unknown {
    if (typeof value === 'string') return this.#names.get(value) ?? value;
    if (Array.isArray(value)) return value.map((each) => this.replace(each));
    if (typeof value !== 'object' || value === null) return value;
    const { createdAt, updatedAt, ...rest } = value as Record<string, unknown>;
    const entries = Object.entries(rest).map(([key, each]) => [this.replace(key), this.replace(each)]);
    const isChanged = createdAt !== undefined && createdAt !== updatedAt;
    return Object.fromEntries(isChanged ? [...entries, ['isChanged', true]] : entries);
  }

  /**
   * Sorts frames by room, because there is no order between two rooms, nor between an `Ack` and a message.
   * @returns the frames of each room, and before them those of no room
   */
  byRoom(frames: readonly ReceivedFrame[]): unknown {
    const sortKey = ({ command, roomId }: ReceivedFrame) =>
      `${command === 'Ack' ? 'Ack ' : ''}${this.#names.get(roomId ?? '') ?? roomId ?? ''}`;
    const groups = Map.groupBy(frames, sortKey);
    return Object.fromEntries(
      [...groups].sort().map(([key, group]) => [key, group.map((frame) => this.#sorted(frame))]),
    );
  }

  /** The rooms of a `Welcome` have no order. */
  #sorted(frame: ReceivedFrame): unknown {
    const replaced = this.replace(frame) as { rooms?: unknown };
    if (!Array.isArray(replaced.rooms)) return replaced;
    return { ...replaced, rooms: replaced.rooms.map((room) => JSON.stringify(room)).sort() };
  }
}
