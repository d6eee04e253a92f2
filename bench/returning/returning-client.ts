import { encodeText, RawSocket } from '../raw-socket.ts';
import { resumeFrames } from '../resume-frames.ts';

/** The first wait before a reconnect is random, up to this time: as docs/protocol.md says. */
const FIRST_WAIT_MS = 2_000;
const MAX_WAIT_MS = 30_000;

interface Frame {
  command: string;
  roomId?: string;
  seq?: number;
  epoch?: string;
  more?: boolean;
  rooms?: { id: string; seq: number }[];
}

interface ReturningClientOptions {
  /** Called when the client has all messages up to the heads of its `Welcome`. @param milliseconds since it was lost */
  onBack: (milliseconds: number) => void;
  /** Called with the first frame of each connection. @param milliseconds since the connect */
  onFirstFrame?: (milliseconds: number) => void;
}

/** A client that resumes: when its socket is lost, it goes to the next gateway with its position in each room. */
export class ReturningClient {
  /** The last seq that this client has of each room. */
  readonly positions = new Map<string, number>();
  readonly errors: string[] = [];
  /** The messages that came after the last connect. */
  received = 0;
  readonly #token: string;
  readonly #options: ReturningClientOptions;
  readonly #heads = new Map<string, number>();
  #epoch: string | undefined;
  #lostAt = 0;
  #connectedAt = 0;
  #attempts = 0;
  #socket: RawSocket | undefined;

  constructor(token: string, options: ReturningClientOptions) {
    this.#token = token;
    this.#options = options;
  }

  /** @param nextUrl the gateway for each later connection */
  connect(url: string, nextUrl: string): void {
    this.#connectedAt = performance.now();
    if (this.#attempts === 0) this.#lostAt = this.#connectedAt;
    this.#heads.clear();
    this.received = 0;
    let isFirst = true;
    const socket: RawSocket = new RawSocket({
      ...{ url, path: '/api/ws?resume=true', token: this.#token },
      onOpen: () => this.#sendPositions(),
      onFrame: (bytes, start, end) => {
        if (isFirst) this.#options.onFirstFrame?.(performance.now() - this.#connectedAt);
        isFirst = false;
        this.#receive(JSON.parse(bytes.toString('utf8', start, end)));
      },
      onClose: () => {
        if (this.#socket === socket) this.#comeBack(nextUrl);
      },
    });
    this.#socket = socket;
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }

  #comeBack(url: string): void {
    if (this.#attempts++ === 0) this.#lostAt = performance.now();
    const longest = Math.min(FIRST_WAIT_MS * 2 ** (this.#attempts - 1), MAX_WAIT_MS);
    setTimeout(() => this.connect(url, url), Math.random() * longest);
  }

  #sendPositions(): void {
    for (const frame of resumeFrames(this.#epoch, this.positions)) this.#socket?.send(encodeText(frame));
  }

  #receive(frame: Frame): void {
    if (frame.command === 'Welcome') this.#receiveWelcome(frame);
    else if (frame.command === 'Resumed') this.#checkBack();
    else if (frame.command === 'Resync' || frame.command === 'Left') this.#addError(JSON.stringify(frame));
    else if (frame.roomId && frame.seq && frame.command !== 'Ack') this.#receiveMessage(frame.roomId, frame.seq);
  }

  #receiveWelcome({ epoch, rooms = [] }: Frame): void {
    this.#epoch = epoch;
    for (const { id, seq } of rooms) {
      this.#heads.set(id, seq);
      if (!this.positions.has(id)) this.positions.set(id, seq);
    }
  }

  #receiveMessage(roomId: string, seq: number): void {
    this.received++;
    const position = this.positions.get(roomId);
    if (position === undefined || seq !== position + 1) this.#addError(`${roomId}: ${seq} came after ${position}`);
    this.positions.set(roomId, seq);
  }

  #checkBack(): void {
    for (const [roomId, head] of this.#heads) {
      const position = this.positions.get(roomId) ?? 0;
      if (position < head) this.#addError(`${roomId}: resumed at ${position}, before ${head}`);
    }
    this.#attempts = 0;
    this.#options.onBack(performance.now() - this.#lostAt);
  }

  #addError(error: string): void {
    if (this.errors.length < 10) this.errors.push(error);
  }
}
