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

/** A room of a member. */
interface OwnRoom extends Reader {
  /** The frame that writes in the room. Its ref is replaced before each sending. */
  readonly frame: Buffer;
}

/** A user with one socket who writes in their rooms in turn. Messages of other rooms are ignored. */
export class Member {
  readonly number: number;
  /** In the order in which the member writes in them. */
  readonly rooms: OwnRoom[];
  /** Called after each outcome of this member's messages. */
  onOutcome: () => void = () => undefined;
  readonly #ledger: Ledger;
  readonly #socket: RawSocket;
  readonly #refEndAt: number;
  readonly #roomOf: Map<LedgerRoom, OwnRoom>;
  #next = 0;
  #resolveWelcome: (() => void) | undefined;
  #isLeaving = false;

  private constructor(url: string, token: string, rooms: LedgerRoom[], number: number, ledger: Ledger) {
    this.number = number;
    this.#ledger = ledger;
    const ref = ledger.refs.of(0);
    const json = (roomId: string) => JSON.stringify({ command: 'CreateMessage', roomId, text: TEXT, ref });
    this.rooms = rooms.map((room) => ({ number, room, nextSeq: 0, frame: encodeText(json(room.id)) }));
    this.#roomOf = new Map(this.rooms.map((own) => [own.room, own]));
    this.#refEndAt = offsetInFrame(json((rooms[0] as LedgerRoom).id), ref) + ref.length;
    this.#socket = new RawSocket({
      url,
      token,
      onFrame: (bytes, start, end) => this.#receive(bytes, start, end),
      onClose: (reason) => this.#handleClose(reason),
    });
  }

  /** Resolves when the socket has its Welcome: from then on it receives the messages of its rooms. */
  static async connect(
    url: string,
    token: string,
    rooms: LedgerRoom[],
    number: number,
    ledger: Ledger,
  ): Promise<Member> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const member = new Member(url, token, rooms, number, ledger);
    member.#resolveWelcome = resolve;
    await promise;
    return member;
  }

  /** Sends a new message. @param intendedAt when it had to be sent, in milliseconds of `performance.now()` */
  sendMessage(intendedAt: number): void {
    const own = this.rooms[this.#next++ % this.rooms.length] as OwnRoom;
    this.#send(own, this.#ledger.recordSending(this.number, own.room, intendedAt));
  }

  /** Sends the message with this index, with the same ref as before. */
  resend(index: number): void {
    this.#send(this.#roomOf.get(this.#ledger.roomOf(index)) as OwnRoom, index);
  }

  close(): void {
    this.#isLeaving = true;
    this.#socket.destroy();
  }

  #send({ frame }: OwnRoom, index: number): void {
    let rest = index;
    for (let digit = 1; digit <= 8; digit++) {
      replaceByte(frame, this.#refEndAt - digit, HEX_DIGITS[rest & 15] as number);
      rest >>>= 4;
    }
    this.#socket.send(frame);
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
    const own = this.#roomOf.get(this.#ledger.roomOf(index));
    const seq = readNumber(bytes, messageFields.seq.find(bytes, start, end));
    if (own) this.#ledger.recordDelivery(own, index, seq);
    else this.#ledger.addError(`socket ${this.number}: received message ${index} of another room`);
  }

  #receiveAck(bytes: Buffer, start: number, end: number): void {
    const index = this.#ledger.refs.indexIn(bytes, ackFields.ref.find(bytes, start, end) + 1);
    if (index < 0) return;
    const seq = readNumber(bytes, ackFields.seq.find(bytes, start, end));
    if (this.#ledger.recordAck(index, seq)) this.onOutcome();
  }

  #receiveError(bytes: Buffer, start: number, end: number): void {
    const { code } = JSON.parse(bytes.toString('utf8', start, end)) as { code: string };
    const at = errorRef.find(bytes, start, end);
    const index = at < 0 ? -1 : this.#ledger.refs.indexIn(bytes, at + 1);
    if (this.#ledger.recordRefusal(index, code)) this.onOutcome();
  }

  #receiveWelcome(bytes: Buffer, start: number, end: number): void {
    const { rooms } = JSON.parse(bytes.toString('utf8', start, end)) as Welcome;
    const seqs = new Map(rooms.map(({ id, seq }) => [id, seq]));
    for (const own of this.rooms) own.nextSeq = (seqs.get(own.room.id) ?? Number.NaN) + 1;
    this.#resolveWelcome?.();
  }

  #handleClose(reason: string): void {
    if (!this.#isLeaving) this.#ledger.recordClose(this.number, reason);
    this.#resolveWelcome?.();
  }
}
