import { connect, type Socket } from 'node:net';

/** The clock of {@link SilentSockets} counts checks. */
const CHECK_EVERY_MS = 500;

interface Progress {
  bytesRead: number;
  /** The last check that found new bytes. */
  readAt: number;
}

/** The options of the driver that name the server. The driver's types do not show `socket`, which gets them. */
export interface ServerAddress {
  host: string[];
  port: number[];
  /** The file of a Unix socket. */
  path?: string | false;
}

export interface SilentSocketsOptions {
  /** A pool whose oldest statement has no answer for this time has a silent connection. */
  maxAnswerMs: number;
  /** The statement in flight that started first, in checks ({@link SilentSockets.now}). */
  oldestStart: () => number | undefined;
  /** Called if no statement is in flight, because only a statement shows that a connection is silent. */
  probe: () => void;
}

/**
 * Opens the sockets of a pool, and destroys those on which Postgres is silent. The driver itself would wait without end.
 * It does not show which statement is on which socket. So if a statement waits too long, all sockets that have read
 * nothing for that time are destroyed. An idle socket among them is opened again when it is needed.
 *
 * The time is a count of checks. So a process that was stopped reads its sockets before it judges them.
 */
export class SilentSockets {
  readonly #options: SilentSocketsOptions;
  readonly #maxChecks: number;
  readonly #progress = new Map<Socket, Progress>();
  readonly #timer: NodeJS.Timeout;
  #checks = 0;
  #nextHost = 0;

  constructor(options: SilentSocketsOptions) {
    this.#options = options;
    this.#maxChecks = Math.ceil(options.maxAnswerMs / CHECK_EVERY_MS);
    this.#timer = setInterval(() => this.#check(), CHECK_EVERY_MS).unref();
  }

  /** The number of checks until now. */
  get now(): number {
    return this.#checks;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /**
   * Begins to connect, and returns immediately: a connection slot of the driver is lost if this throws. Several hosts
   * are tried in turn.
   */
  open({ host, port, path }: ServerAddress): Socket {
    const index = this.#nextHost++ % host.length;
    const socket = path ? connect(path) : connect({ host: host[index], port: port[index] as number });
    // The driver takes the name for the certificate of the server from here.
    Object.assign(socket, { host: host[index] });
    this.#progress.set(socket, { bytesRead: 0, readAt: this.#checks });
    return socket;
  }

  #check(): void {
    this.#checks++;
    for (const [socket, progress] of this.#progress) this.#note(socket, progress);
    const oldest = this.#options.oldestStart();
    if (oldest === undefined && this.#progress.size > 0) this.#options.probe();
    if (oldest === undefined || this.#checks - oldest <= this.#maxChecks) return;
    for (const [socket, { readAt }] of this.#progress) {
      if (this.#checks - readAt >= this.#maxChecks) socket.destroy();
    }
  }

  /** Polls, because the driver removes all listeners from a socket before it begins TLS. */
  #note(socket: Socket, progress: Progress): void {
    if (socket.destroyed) this.#progress.delete(socket);
    if (socket.bytesRead === progress.bytesRead) return;
    progress.bytesRead = socket.bytesRead;
    progress.readAt = this.#checks;
  }
}
