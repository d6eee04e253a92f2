import { FieldFinder, readNumber } from './frame-fields.ts';
import type { Ledger, LedgerRoom, Reader } from './ledger.ts';
import { encodeText, offsetInFrame, RawSocket, replaceByte } from './raw-socket.ts';

const TEXT = 'Hello World! '.repeat(8).trim();
const HEX_DIGITS = Buffer.from('0123456789abcdef');
const [A, C, E, W] = Buffer.from('AcEW') as unknown as [number, number, number, number];

const commandField = new FieldFinder('command');
/** An Ack and a message have their fields at other places. */
const ackFields = { seq: new FieldFinder('seq'), ref: new FieldFinder('ref') };
const messageFields = { seq: new FieldFinder('seq'), ref: new FieldFinder('ref') };
const errorRef = new FieldFinder('ref');

interface Welcome {
  rooms: { id: string; seq: number }[];
}

/** A user with one socket who writes in one room. Messages of other rooms are ignored. */
export class Member implements Reader {
  readonly number: number;
  readonly room: LedgerRoom;
  nextSeq = 0;
  /** Called after each ack and each refusal of this member's messages. */
  onOutcome: () => void = () => undefined;
  readonly #ledger: Ledger;
  readonly #socket: RawSocket;
  readonly #frame: Buffer;
  readonly #refEndAt: number;
  #resolveWelcome: (() => void) | undefined;
  #isLeaving = false;

  private constructor(url: string, token: string, room: LedgerRoom, number: number, ledger: Ledger) {
    this.number = number;
    this.room = room;
    this.#ledger = ledger;
    const ref = ledger.refs.of(0);
    const json = JSON.stringify({ command: 'CreateMessage', roomId: room.id, text: TEXT, ref });
    this.#frame = encodeText(json);
    this.#refEndAt = offsetInFrame(json, ref) + ref.length;
    this.#socket = new RawSocket({
      url,
      token,
      onFrame: (bytes, start, end) => this.#receive(bytes, start, end),
      onClose: (reason) => this.#handleClose(reason),
    });
  }

  /** Resolves when the socket has its Welcome: from then on it receives the messages of its rooms. */
  static async connect(url: string, token: string, room: LedgerRoom, number: number, ledger: Ledger): Promise<Member> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const member = new Member(url, token, room, number, ledger);
    member.#resolveWelcome = resolve;
    await promise;
    return member;
  }

  /** Sends a new message. @param intendedAt when it had to be sent, in milliseconds of `performance.now()` */
  sendMessage(intendedAt: number): void {
    this.resend(this.#ledger.recordSending(this.number, intendedAt));
  }

  /** Sends the message with this index, with the same ref as before. */
  resend(index: number): void {
    let rest = index;
    for (let digit = 1; digit <= 8; digit++) {
      replaceByte(this.#frame, this.#refEndAt - digit, HEX_DIGITS[rest & 15] as number);
      rest >>>= 4;
    }
    this.#socket.send(this.#frame);
  }

  close(): void {
    this.#isLeaving = true;
    this.#socket.destroy();
  }

  #receive(bytes: Buffer, start: number, end: number): void {
    const command = commandField.find(bytes, start, end) + 1;
    const letter = bytes[command];
    if (letter === A && bytes[command + 1] === C) this.#receiveAck(bytes, start, end);
    else if (letter === E) this.#receiveError(bytes, start, end);
    else if (letter === W) this.#receiveWelcome(bytes, start, end);
    else this.#receiveMessage(bytes, start, end);
  }

  #receiveMessage(bytes: Buffer, start: number, end: number): void {
    const index = this.#ledger.refs.indexIn(bytes, messageFields.ref.find(bytes, start, end) + 1);
    if (index < 0) return;
    this.#ledger.recordDelivery(this, index, readNumber(bytes, messageFields.seq.find(bytes, start, end)));
  }

  #receiveAck(bytes: Buffer, start: number, end: number): void {
    const index = this.#ledger.refs.indexIn(bytes, ackFields.ref.find(bytes, start, end) + 1);
    if (index < 0) return;
    this.#ledger.recordAck(index, readNumber(bytes, ackFields.seq.find(bytes, start, end)));
    this.onOutcome();
  }

  #receiveError(bytes: Buffer, start: number, end: number): void {
    const { code } = JSON.parse(bytes.toString('utf8', start, end)) as { code: string };
    const at = errorRef.find(bytes, start, end);
    this.#ledger.recordRefusal(at < 0 ? -1 : this.#ledger.refs.indexIn(bytes, at + 1), code);
    this.onOutcome();
  }

  #receiveWelcome(bytes: Buffer, start: number, end: number): void {
    const { rooms } = JSON.parse(bytes.toString('utf8', start, end)) as Welcome;
    this.nextSeq = (rooms.find(({ id }) => id === this.room.id)?.seq ?? Number.NaN) + 1;
    this.#resolveWelcome?.();
  }

  #handleClose(reason: string): void {
    if (!this.#isLeaving) this.#ledger.recordClose(this.number, reason);
    this.#resolveWelcome?.();
  }
}
