import { LoadRecord } from '../load-record.ts';
import { DeliveryOrder } from './delivery-order.ts';
import type { Setup } from './peer.ts';

/** The largest number of messages of all senders together. */
const MAX_MESSAGES = 4_000_000;

/** What is wrong with the deliveries of a peer, counted for each socket. */
export interface Faults {
  lost: number;
  /** Deliveries that must not happen: the second one of a message, or one to a socket of another room. */
  doubled: number;
  outOfOrder: number;
}

/**
 * Records every message to one peer: when it had to be sent, that it is acked, and which sockets received it. The message
 * `number` of a sender has the index `number * members + sender`.
 */
export class PeerLedger extends LoadRecord {
  /** The frames with which the peer refused a message. */
  readonly errors: string[] = [];
  /** True when one sender has sent as many messages as there is space for. */
  isFull = false;
  readonly #rooms: number;
  readonly #members: number;
  readonly #maxNumber: number;
  readonly #isAcked: Uint8Array;
  readonly #sentOf: Uint32Array;
  /** One for each receiver and sender of a room, by `receiver * members per room + sender's place in the room`. */
  readonly #orders: DeliveryOrder[];
  /** Deliveries to a socket of another room. */
  #misdirected = 0;

  constructor({ rooms, members }: Pick<Setup, 'rooms' | 'members'>) {
    super(MAX_MESSAGES);
    this.#rooms = rooms;
    this.#members = members;
    this.#maxNumber = Math.floor(MAX_MESSAGES / members) - 1;
    this.#isAcked = new Uint8Array(MAX_MESSAGES);
    this.#sentOf = new Uint32Array(members);
    this.#orders = Array.from({ length: members * (members / rooms) }, () => new DeliveryOrder());
  }

  get refused(): number {
    return this.errors.length;
  }

  /** Records that a message is sent now. @returns its index */
  recordSending(sender: number, intendedAt: number): number {
    const number = (this.#sentOf[sender] as number)++;
    if (number === this.#maxNumber) this.isFull = true;
    const index = number * this.#members + sender;
    this.countSending(index, intendedAt);
    return index;
  }

  /** @returns false if the message was acked before */
  recordAck(index: number): boolean {
    if (this.#isAcked[index]) return false;
    this.#isAcked[index] = 1;
    this.countAck(index);
    return true;
  }

  recordDelivery(receiver: number, index: number): void {
    this.countDelivery(index);
    const sender = index % this.#members;
    if (sender % this.#rooms !== receiver % this.#rooms) this.#misdirected++;
    else this.#orderOf(receiver, sender).add(Math.floor(index / this.#members));
  }

  /** @param receivers 1 if only the sender gets a message */
  findFaults(receivers: number): Faults {
    const faults = { lost: 0, doubled: this.#misdirected, outOfOrder: 0 };
    for (let receiver = 0; receiver < this.#members; receiver++)
      for (let sender = receiver % this.#rooms; sender < this.#members; sender += this.#rooms) {
        const order = this.#orderOf(receiver, sender);
        faults.doubled += order.doubled;
        faults.outOfOrder += order.outOfOrder;
        if (receivers > 1 || sender === receiver) faults.lost += order.lost(this.#sentOf[sender] as number);
      }
    return faults;
  }

  #orderOf(receiver: number, sender: number): DeliveryOrder {
    const place = Math.floor(sender / this.#rooms);
    return this.#orders[receiver * (this.#members / this.#rooms) + place] as DeliveryOrder;
  }
}
