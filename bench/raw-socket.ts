import { randomBytes } from 'node:crypto';
import { addressOf, Connection } from './connection.ts';

const MASK = randomBytes(4);
const END_OF_HEADERS = Buffer.from('\r\n\r\n');
const ACCEPTED = Buffer.from('HTTP/1.1 101 ');
/** One key for all sockets: the hash in the answer proves nothing that a load test needs. */
const KEY = randomBytes(16).toString('base64');
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
  readonly #connection: Connection;
  #isUpgraded = false;

  constructor(options: RawSocketOptions) {
    this.#options = options;
    this.#connection = new Connection({
      url: options.url,
      onConnect: () => this.#connection.send(upgradeRequest(options)),
      onBytes: (bytes, end) => (this.#isUpgraded ? this.#readFrames(bytes, 0, end) : this.#readAnswer(bytes, end)),
      onClose: options.onClose,
    });
  }

  /** Sends a frame that {@link encodeText} made. Copies it, so the caller may change the bytes afterwards. */
  send(frame: Uint8Array): void {
    this.#connection.send(frame);
  }

  /** Reads nothing more. The kernel's buffers fill, and then those of the server. */
  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  /** Closes the connection without a close frame, as a lost connection does. */
  destroy(): void {
    this.#connection.close('the client closed it');
  }

  #readAnswer(bytes: Buffer, end: number): number {
    const headersEnd = bytes.subarray(0, end).indexOf(END_OF_HEADERS);
    if (headersEnd < 0) return 0;
    this.#isUpgraded = ACCEPTED.compare(bytes, 0, ACCEPTED.length) === 0;
    if (this.#isUpgraded) this.#options.onOpen?.();
    if (this.#isUpgraded) return this.#readFrames(bytes, headersEnd + END_OF_HEADERS.length, end);
    this.#connection.close(`the upgrade was refused: ${bytes.toString('latin1', 0, end)}`);
    return end;
  }

  #readFrames(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (end - at >= 2 && !this.#connection.isClosed) {
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
    if (firstByte < 0x80) this.#connection.close('a frame was fragmented');
    else if (opcode === OPCODES.text) this.#options.onFrame(bytes, start, end);
    else if (opcode === OPCODES.ping) this.send(encodeFrame(OPCODES.pong, bytes.subarray(start, end)));
    else if (opcode === OPCODES.close) {
      const code = end - start >= 2 ? bytes.readUInt16BE(start) : 1005;
      this.#connection.close(`close code ${code} ${bytes.toString('utf8', Math.min(start + 2, end), end)}`.trim());
    }
  }
}

/** @returns a masked text frame, ready for {@link RawSocket.send} */
export function encodeText(text: string): Buffer {
  return encodeFrame(OPCODES.text, Buffer.from(text));
}

/** Replaces a byte of a frame of {@link encodeText}. @param at the place in the frame, as {@link offsetInFrame} gives it */
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
  const header = Buffer.from(isShort ? [0x80 | opcode, 0x80 | payload.length] : [0x80 | opcode, 0xfe, 0, 0]);
  if (!isShort) header.writeUInt16BE(payload.length, 2);
  const masked = payload.map((byte, index) => byte ^ (MASK[index & 3] as number));
  return Buffer.concat([header, MASK, masked]);
}

function payloadLength(bytes: Buffer, at: number, shortLength: number): number {
  if (shortLength < 126) return shortLength;
  return shortLength === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
}

function upgradeRequest({ url, path = '/api/ws', token }: RawSocketOptions): Buffer {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${addressOf(url).host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${KEY}`,
    'Sec-WebSocket-Protocol: rooms.v1',
    ...(token ? [`Authorization: Bearer ${token}`] : []),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
