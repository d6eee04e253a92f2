import { encodeText, RawSocket } from '../raw-socket.ts';
import type { Dialect, DialectEvents } from './peer.ts';
import type { PeerLedger } from './peer-ledger.ts';

const TEXT = 'Hello World! '.repeat(8).trim();

/** A member with one socket to a peer. Records in the ledger what it sends and receives. */
export class PeerMember implements DialectEvents {
  /** Called after each ack and each refusal of this member's messages. */
  onOutcome: () => void = () => undefined;
  readonly #number: number;
  readonly #dialect: Dialect;
  readonly #ledger: PeerLedger;
  readonly #socket: RawSocket;
  readonly #isReady = Promise.withResolvers<void>();

  private constructor(url: string, dialect: Dialect, number: number, ledger: PeerLedger) {
    this.#number = number;
    this.#dialect = dialect;
    this.#ledger = ledger;
    this.#socket = new RawSocket({
      url,
      ...dialect.upgrade(number),
      onOpen: () => this.#greet(),
      onFrame: (bytes, start, end) => dialect.read(bytes, start, end, this),
      onClose: (reason) => this.#isReady.reject(new Error(`a socket was closed: ${reason}`)),
    });
  }

  /** Resolves when the socket gets the messages of its room. @throws Error if it is closed before that */
  static async connect(url: string, dialect: Dialect, number: number, ledger: PeerLedger): Promise<PeerMember> {
    const member = new PeerMember(url, dialect, number, ledger);
    await member.#isReady.promise;
    return member;
  }

  /** Sends a new message. @param intendedAt when it had to be sent, in milliseconds of `performance.now()` */
  sendMessage(intendedAt: number): void {
    const index = this.#ledger.recordSending(this.#number, intendedAt);
    this.reply(this.#dialect.encode(this.#number, index, TEXT));
  }

  close(): void {
    this.#socket.destroy();
  }

  ready(): void {
    this.#isReady.resolve();
  }

  acked(index: number): void {
    if (this.#ledger.recordAck(index)) this.onOutcome();
  }

  delivered(index: number): void {
    this.#ledger.recordDelivery(this.#number, index);
  }

  refused(frame: string): void {
    this.#ledger.errors.push(frame);
    this.onOutcome();
  }

  reply(frame: string): void {
    this.#socket.send(encodeText(frame));
  }

  #greet(): void {
    const greeting = this.#dialect.greeting?.(this.#number);
    if (greeting) this.reply(greeting);
  }
}
