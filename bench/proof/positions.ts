import { setTimeout as wait } from 'node:timers/promises';
import type { Account } from '../accounts.ts';
import type { GotMessage } from './history.ts';
import type { Recorder } from './recorder.ts';

const PAGE_SIZE = 100;
const READ_AGAIN_AFTER_MS = 300;
const READ_TIMEOUT_MS = 12_000;

interface Room {
  /** The user has every message up to this one. */
  position: number;
  /** The last message of the socket. It is above `position` while older messages are read. */
  live: number;
}

/** What one user has of each room. After a reconnect, reads from the history what was missed. */
export class Positions {
  readonly #account: Account;
  readonly #recorder: Recorder;
  readonly #url: () => string;
  readonly #rooms = new Map<string, Room>();
  /** Counts connections: a read of an earlier connection must not continue. */
  #generation = 0;
  #isFirst = true;

  /** @param url the gateway to read from */
  constructor(account: Account, recorder: Recorder, url: () => string) {
    this.#account = account;
    this.#recorder = recorder;
    this.#url = url;
  }

  has(roomId: string, seq: number): boolean {
    return (this.#rooms.get(roomId)?.position ?? 0) >= seq;
  }

  /** A new socket goes on after these heads. */
  open(heads: Map<string, number>): void {
    this.#generation++;
    for (const [roomId, head] of heads) {
      const room = this.#rooms.get(roomId) ?? { position: this.#isFirst ? head : 0, live: head };
      room.live = head;
      this.#rooms.set(roomId, room);
      if (room.position < head) void this.#readMissed(roomId, room, head);
    }
    this.#isFirst = false;
  }

  receive({ roomId, seq, command, targetId }: GotMessage): void {
    const isOwn = targetId === this.#account.id;
    const room = this.#rooms.get(roomId) ?? { position: 0, live: 0 };
    this.#rooms.set(roomId, room);
    const isComplete = room.position === room.live || (command === 'AddUser' && isOwn);
    room.live = seq;
    if (isComplete) room.position = seq;
  }

  /** The socket has closed. A read that is in progress ends. */
  close(): void {
    this.#generation++;
  }

  /** The user drops everything, and loads it again. */
  reset(): void {
    this.#rooms.clear();
  }

  async #readMissed(roomId: string, room: Room, head: number): Promise<void> {
    const [generation, after] = [this.#generation, room.position];
    const seqs: number[] = [];
    for (let next = after; next < head; ) {
      const page = await this.#readPage(roomId, next);
      if (generation !== this.#generation) return;
      // The user was removed meanwhile. The next membership begins with its own AddUser.
      if (page === 'gone') return;
      if (page === 'failed') {
        await wait(READ_AGAIN_AFTER_MS);
        continue;
      }
      seqs.push(...page.filter((seq) => seq <= head));
      if (page.length === 0) break;
      next = Math.max(...page);
    }
    this.#recorder.record({ kind: 'read', userId: this.#account.id, roomId, after, to: head, seqs });
    room.position = room.live;
  }

  async #readPage(roomId: string, after: number): Promise<number[] | 'gone' | 'failed'> {
    try {
      const answer = await fetch(`${this.#url()}/api/messages/${roomId}?after=${after}&size=${PAGE_SIZE}`, {
        headers: { authorization: `Bearer ${this.#account.token}` },
        signal: AbortSignal.timeout(READ_TIMEOUT_MS),
      });
      if (answer.ok) return ((await answer.json()) as { seq: number }[]).map(({ seq }) => seq);
      await answer.body?.cancel();
      return answer.status === 403 || answer.status === 404 ? 'gone' : 'failed';
    } catch {
      // A lost connection: the read is tried again, as a client does.
      return 'failed';
    }
  }
}
