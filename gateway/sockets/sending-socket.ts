import type { WebSocket } from 'uWebSockets.js';

/**
 * The side of a connection that sends. Each room has a topic in uWebSockets.js: a frame that is published to the topic
 * reaches all its subscribed sockets. While there is no open socket, every call does nothing.
 */
export class SendingSocket {
  #socket: WebSocket<unknown> | undefined;
  /** True after uWebSockets.js dropped a frame. A later frame would leave a gap, so none is sent. */
  #isDropped = false;
  /** Called when bytes have left, or when the socket has closed. */
  #onDrain: (() => void) | undefined;

  get closed(): boolean {
    return this.#socket === undefined;
  }

  /** Subscribes the socket to the topic of a room. */
  join(roomId: string): void {
    this.#socket?.subscribe(roomId);
  }

  /** Unsubscribes the socket from the topic of a room. */
  leave(roomId: string): void {
    this.#socket?.unsubscribe(roomId);
  }

  get unsentBytes(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  /** Closes the socket without a close frame, which its client would not read. */
  terminate(): void {
    this.#socket?.close();
  }

  send(frame: string): void {
    if (!this.#isDropped) this.#socket?.send(frame);
  }

  /** Resolves when at most this number of bytes is unsent, or when the socket has closed. One caller at a time. */
  async waitForUnsent(maxBytes: number): Promise<void> {
    while (!this.closed && this.unsentBytes > maxBytes) {
      await new Promise<void>((resolve) => {
        this.#onDrain = resolve;
      });
    }
  }

  sendTogether(frames: string[]): void {
    this.cork(() => {
      for (const frame of frames) this.send(frame);
    });
  }

  cork(send: () => void): void {
    this.#socket?.cork(send);
  }

  close(code: number, reason: string): void {
    this.#socket?.end(code, reason);
  }

  /**
   * Call this when uWebSockets.js drops a frame, because too many bytes are unsent. The socket cannot be closed in this
   * event: uWebSockets.js may be in the middle of a list of sockets. A later frame can be sent only after bytes have
   * left, so {@link handleDrain} closes the socket before that.
   */
  handleDropped(): void {
    this.#isDropped = true;
  }

  /** Call this when unsent bytes have left. */
  handleDrain(): void {
    if (this.#isDropped) this.terminate();
    this.#endWait();
  }

  /** @param socket undefined when the socket has closed */
  protected setSocket(socket: WebSocket<unknown> | undefined): void {
    this.#socket = socket;
    if (!socket) this.#endWait();
  }

  #endWait(): void {
    const onDrain = this.#onDrain;
    this.#onDrain = undefined;
    onDrain?.();
  }
}
