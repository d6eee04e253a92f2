import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** All sockets read into this one buffer, because a read and its callback happen in one step. */
const readBuffer = Buffer.allocUnsafe(64 * 1024);
const WRITE_BYTES = 4 * 1024;
const MASK = randomBytes(4);
const END_OF_HEADERS = '\r\n\r\n';
const OPCODES = { text: 1, close: 8, ping: 9, pong: 10 };

export interface RawSocketOptions {
  /** The URL of the gateway, such as `http://127.0.0.1:8080`. */
  url: string;
  /** The path with its query. Default: `/api/ws`. */
  path?: string;
  /** Sent as `Authorization: Bearer`. */
  token?: string;
  /** Called when the server has accepted the upgrade. */
  onOpen?: () => void;
  /** Called for each text frame. The bytes are only valid during the call. */
  onFrame: (bytes: Buffer, start: number, end: number) => void;
  /** Called once, when the socket is closed for any reason. */
  onClose: (reason: string) => void;
}

/**
 * A WebSocket client for load tests. It allocates nothing for a frame that it receives, and all frames that are sent
 * during one read leave in one write. Frames of the server must not be fragmented.
 */
export class RawSocket {
  readonly #options: RawSocketOptions;
  readonly #socket: Socket;
  /** The bytes of a frame that has not arrived completely. */
  #rest = Buffer.alloc(0);
  #restLength = 0;
  #unsent: Buffer | undefined;
  #unsentLength = 0;
  #isReading = false;
  #isUpgraded = false;
  #closeReason: string | undefined;

  constructor(options: RawSocketOptions) {
    const { hostname, port } = new URL(options.url);
    this.#options = options;
    const onread = { buffer: readBuffer, callback: (length: number) => this.#receive(length) };
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true, onread });
    this.#socket.on('connect', () => this.#socket.write(upgradeRequest(options)));
    this.#socket.on('error', (error) => this.#close(error.message));
    this.#socket.on('close', () => {
      this.#close('the connection ended');
      options.onClose(this.#closeReason as string);
    });
  }

  /** Sends a frame that {@link encodeText} made. Copies it, so the caller may change the bytes afterwards. */
  send(frame: Uint8Array): void {
    if (this.#unsent && this.#unsentLength + frame.length > this.#unsent.length) this.#flush();
    this.#unsent ??= Buffer.allocUnsafe(Math.max(WRITE_BYTES, frame.length));
    this.#unsent.set(frame, this.#unsentLength);
    this.#unsentLength += frame.length;
    if (!this.#isReading) this.#flush();
  }

  /** Closes the connection without a close frame, as a lost connection does. */
  destroy(): void {
    this.#close('the client closed it');
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
    if (this.#restLength === 0) this.#keep(readBuffer, this.#read(readBuffer, length), length);
    else {
      this.#keepMore(readBuffer, 0, length);
      this.#keep(this.#rest, this.#read(this.#rest, this.#restLength), this.#restLength);
    }
    this.#isReading = false;
    this.#flush();
    return true;
  }

  /** @returns how many of the bytes were read completely */
  #read(bytes: Buffer, end: number): number {
    if (this.#isUpgraded) return this.#readFrames(bytes, 0, end);
    const answer = bytes.toString('latin1', 0, end);
    const headersEnd = answer.indexOf(END_OF_HEADERS);
    if (headersEnd < 0) return 0;
    this.#isUpgraded = answer.startsWith('HTTP/1.1 101 ');
    if (this.#isUpgraded) this.#options.onOpen?.();
    if (this.#isUpgraded) return this.#readFrames(bytes, headersEnd + END_OF_HEADERS.length, end);
    this.#close(`the upgrade was refused: ${answer}`);
    return end;
  }

  #readFrames(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (end - at >= 2 && this.#closeReason === undefined) {
      const shortLength = (bytes[at + 1] as number) & 0x7f;
      const headerLength = shortLength < 126 ? 2 : shortLength === 126 ? 4 : 10;
      if (end - at < headerLength) break;
      const payload = at + headerLength;
      const frameEnd = payload + payloadLength(bytes, at, shortLength);
      if (frameEnd > end) break;
      this.#handleFrame(bytes, bytes[at] as number, payload, frameEnd);
      at = frameEnd;
    }
    return at;
  }

  #handleFrame(bytes: Buffer, firstByte: number, start: number, end: number): void {
    const opcode = firstByte & 0x0f;
    if (firstByte < 0x80) this.#close('a frame was fragmented');
    else if (opcode === OPCODES.text) this.#options.onFrame(bytes, start, end);
    else if (opcode === OPCODES.ping) this.send(encodeFrame(OPCODES.pong, bytes.subarray(start, end)));
    else if (opcode === OPCODES.close) {
      const code = end - start >= 2 ? bytes.readUInt16BE(start) : 1005;
      this.#close(`close code ${code} ${bytes.toString('utf8', Math.min(start + 2, end), end)}`.trim());
    }
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    this.#restLength = 0;
    if (start < end) this.#keepMore(bytes, start, end);
  }

  #keepMore(bytes: Buffer, start: number, end: number): void {
    const length = this.#restLength + end - start;
    if (length > this.#rest.length) {
      const larger = Buffer.allocUnsafe(2 * length);
      this.#rest.copy(larger, 0, 0, this.#restLength);
      this.#rest = larger;
    }
    bytes.copy(this.#rest, this.#restLength, start, end);
    this.#restLength = length;
  }

  #close(reason: string): void {
    this.#closeReason ??= reason;
    this.#socket.destroy();
  }
}

/** @returns a masked text frame, ready for {@link RawSocket.send} */
export function encodeText(text: string): Buffer {
  return encodeFrame(OPCODES.text, Buffer.from(text));
}

/** Replaces a part of a frame of {@link encodeText}. @param at the place in the frame, as {@link offsetInFrame} gives it */
export function replaceByte(frame: Buffer, at: number, byte: number): void {
  const payload = frame.length < 126 + 6 ? 6 : 8;
  frame[at] = byte ^ (MASK[(at - payload) & 3] as number);
}

/** @returns where the first byte of `part` is in the frame that {@link encodeText} makes of the text */
export function offsetInFrame(text: string, part: string): number {
  const bytes = Buffer.from(text);
  return bytes.indexOf(part) + (bytes.length < 126 ? 6 : 8);
}

function encodeFrame(opcode: number, payload: Buffer): Buffer {
  const isShort = payload.length < 126;
  const header = isShort
    ? Buffer.from([0x80 | opcode, 0x80 | payload.length])
    : Buffer.from([0x80 | opcode, 0xfe, 0, 0]);
  if (!isShort) header.writeUInt16BE(payload.length, 2);
  const masked = payload.map((byte, index) => byte ^ (MASK[index & 3] as number));
  return Buffer.concat([header, MASK, masked]);
}

function payloadLength(bytes: Buffer, at: number, shortLength: number): number {
  if (shortLength < 126) return shortLength;
  return shortLength === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
}

function upgradeRequest({ url, path = '/api/ws', token }: RawSocketOptions): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${new URL(url).host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Protocol: rooms.v1',
    ...(token ? [`Authorization: Bearer ${token}`] : []),
  ];
  return `${lines.join('\r\n')}${END_OF_HEADERS}`;
}
