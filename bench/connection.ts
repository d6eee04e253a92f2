import { connect, type Socket } from 'node:net';

/** All connections read into this one buffer, because a read and its callback happen in one step. */
const readBuffer = Buffer.allocUnsafe(64 * 1024);
const WRITE_BYTES = 4 * 1024;

export interface ConnectionOptions {
  /** The URL of the gateway, such as `http://127.0.0.1:8080`. */
  url: string;
  onConnect: () => void;
  /** Reads the bytes from 0 to `end`, which are only valid during the call. @returns how many it has read completely */
  onBytes: (bytes: Buffer, end: number) => number;
  /** Called once, when the connection is closed for any reason. */
  onClose: (reason: string) => void;
}

/**
 * A TCP connection for load tests. It allocates nothing for a read. All that is sent during one read leaves in one
 * write.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  /** The bytes that were not read completely. */
  #rest = Buffer.alloc(0);
  #restLength = 0;
  #unsent: Buffer | undefined;
  #unsentLength = 0;
  #isReading = false;
  #closeReason: string | undefined;

  constructor(options: ConnectionOptions) {
    const { hostname, port } = addressOf(options.url);
    this.#options = options;
    const onread = { buffer: readBuffer, callback: (length: number) => this.#receive(length) };
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true, onread });
    this.#socket.on('connect', () => options.onConnect());
    this.#socket.on('error', (error) => this.close(error.message));
    this.#socket.on('close', () => {
      this.close('the connection ended');
      options.onClose(this.#closeReason as string);
    });
  }

  get isClosed(): boolean {
    return this.#closeReason !== undefined;
  }

  /** Copies the bytes, so the caller may change them afterwards. */
  send(bytes: Uint8Array): void {
    if (this.#unsent && this.#unsentLength + bytes.length > this.#unsent.length) this.#flush();
    if (!this.#unsent || bytes.length > this.#unsent.length)
      this.#unsent = Buffer.allocUnsafe(Math.max(WRITE_BYTES, bytes.length));
    this.#unsent.set(bytes, this.#unsentLength);
    this.#unsentLength += bytes.length;
    if (!this.#isReading) this.#flush();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends the connection with a reset: otherwise its port stays in use for a minute. */
  close(reason: string): void {
    if (this.#closeReason !== undefined) return;
    this.#closeReason = reason;
    this.#socket.resetAndDestroy();
  }

  #flush(): void {
    if (!this.#unsent || this.#unsentLength === 0) return;
    this.#socket.write(this.#unsent.subarray(0, this.#unsentLength));
    this.#unsentLength = 0;
    // While Node has unsent bytes, it reads them from this buffer.
    if (this.#socket.writableLength > 0 || this.#unsent.length > WRITE_BYTES) this.#unsent = undefined;
  }

  #receive(length: number): boolean {
    this.#isReading = true;
    if (this.#restLength === 0) this.#keep(readBuffer, this.#options.onBytes(readBuffer, length), length);
    else {
      this.#append(readBuffer, 0, length);
      this.#keep(this.#rest, this.#options.onBytes(this.#rest, this.#restLength), this.#restLength);
    }
    this.#isReading = false;
    this.#flush();
    return true;
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    this.#restLength = 0;
    if (start < end) this.#append(bytes, start, end);
  }

  #append(bytes: Buffer, start: number, end: number): void {
    const length = this.#restLength + end - start;
    if (length > this.#rest.length) {
      const larger = Buffer.allocUnsafe(2 * length);
      this.#rest.copy(larger, 0, 0, this.#restLength);
      this.#rest = larger;
    }
    bytes.copy(this.#rest, this.#restLength, start, end);
    this.#restLength = length;
  }
}

/** The few URLs of a run, parsed once. */
const addresses = new Map<string, URL>();

export function addressOf(url: string): URL {
  const known = addresses.get(url);
  if (known) return known;
  const address = new URL(url);
  addresses.set(url, address);
  return address;
}
