/** A socket with frames in an {@link Outbox}. */
export interface OutboxSocket {
  /** Sends the frames with one write. */
  sendTogether(frames: string[]): void;
}

/**
 * Collects the frames that become ready in one tick, and then sends those of each socket with one write. A write costs
 * more than everything else that a gateway does for an acknowledgement. The replies of a batch arrive in one tick.
 * uWebSockets.js adds the frames that were published to the socket's topics in this tick to the same write.
 */
export class Outbox {
  readonly #frames = new Map<OutboxSocket, string[]>();

  add(socket: OutboxSocket, frame: string): void {
    if (this.#frames.size === 0) queueMicrotask(() => this.#flush());
    const frames = this.#frames.get(socket);
    if (frames) frames.push(frame);
    else this.#frames.set(socket, [frame]);
  }

  #flush(): void {
    const ready = [...this.#frames];
    this.#frames.clear();
    for (const [socket, frames] of ready) socket.sendTogether(frames);
  }
}
