import type { Welcome } from '../../contract/frames.ts';
import type { Message } from '../../contract/messages.ts';
import type { Left, Resync } from '../../contract/resume.ts';
import type { HandledMessage } from './client-under-test.ts';

/** What the kit knows about one room of the client. */
interface RoomState {
  /** The seq of the last message that the client has handled, or of the history that it has loaded. */
  handled: number;
  /** The seq of the last message that was sent. It is higher than `handled` while the client is behind. */
  sent: number;
  /** The seq of a `Resync`, until the client has loaded the history. */
  resync: number | undefined;
  /** False after the membership has ended. */
  isMember: boolean;
  /** True after `Left`: the client must forget its position. */
  hasLeft: boolean;
  /** What the client had handled when its last connection ended. */
  handledBefore: number;
}

/** The rule that the client has broken. */
type Broken = string | undefined;
type Frame = Message | Welcome | Resync | Left | { command: string };

/** Checks that each message is handled once and in order, and that the positions in `Resume` are right. */
export class StreamRules {
  readonly rooms = new Map<string, RoomState>();
  readonly #userId: string;
  #epoch: string | undefined;
  /** True if the client knows an epoch whose positions no longer mean anything. */
  #isOtherEpoch = false;
  /** True until all parts of the first `Welcome` of an epoch are sent. */
  #startsAtHeads = false;
  readonly #sentMessages = new Map<string, Message>();
  readonly #readSeqs = new Map<string, Set<number>>();

  constructor(userId: string) {
    this.#userId = userId;
  }

  /** Call this when the connection has ended: the client has read no more than what was sent until now. */
  connectionEnded(): void {
    for (const state of this.rooms.values()) state.handledBefore = state.handled;
  }

  sent(frame: Frame): void {
    if (isWelcome(frame)) this.#welcome(frame);
    if (isMessage(frame)) this.#sentMessage(frame);
    if (frame.command === 'Resync') this.#resync(frame as Resync);
    const left = frame.command === 'Left' && this.rooms.get((frame as Left).roomId);
    if (left) Object.assign(left, { isMember: false, hasLeft: true });
  }

  resumed(epoch: string | undefined, positions: ReadonlyMap<string, number>, isFirst: boolean): Broken {
    const isNew = epoch === undefined && positions.size === 0;
    if (this.#epoch === undefined) return isNew ? undefined : 'the first Resume of a new client has an epoch or rooms';
    if (isNew && this.#isOtherEpoch) return undefined;
    if (epoch !== this.#epoch)
      return `a Resume has ${epoch ? `the epoch ${epoch}` : 'no epoch'}: the last Welcome has ${this.#epoch}`;
    for (const [roomId, position] of positions) {
      const broken = this.#brokenPosition(roomId, position);
      if (broken) return broken;
    }
    const missing = [...this.rooms].find(([roomId, { isMember }]) => isMember && !positions.has(roomId));
    return isFirst && missing ? `Resume does not have the room ${missing[0]}` : undefined;
  }

  /** The kit has restored a backup: the seqs that the client knows mean nothing now. */
  forget(): void {
    this.#isOtherEpoch = true;
  }

  read(roomId: string, seq: number): void {
    const seqs = this.#readSeqs.get(roomId) ?? new Set();
    this.#readSeqs.set(roomId, seqs.add(seq));
  }

  handled({ roomId, seq, id }: HandledMessage): Broken {
    const state = this.rooms.get(roomId);
    const message = this.#sentMessages.get(id);
    const name = `message ${seq} of the room ${roomId}`;
    if (!state || !message) return `${name} was reported, but it was not sent`;
    const { handled, resync } = state;
    if (resync !== undefined) return `${name} was handled before the history of the room was loaded`;
    if (seq <= handled) return `${name} was handled, but the client had message ${handled} already`;
    if (seq !== handled + 1 && !this.#startsMembership(message)) return `${name} was handled after message ${handled}`;
    state.handled = seq;
    return undefined;
  }

  loaded(roomId: string, seq: number): Broken {
    const state = this.rooms.get(roomId);
    if (!state || !this.#readSeqs.get(roomId)?.has(seq))
      return `"loaded" has the seq ${seq}, which no answer for the room ${roomId} has in Rooms-Seq`;
    if (seq < (state.resync ?? state.handled)) return `"loaded" goes back to ${seq}`;
    state.handled = seq;
    state.sent = Math.max(state.sent, seq);
    state.resync = undefined;
    return undefined;
  }

  #welcome({ epoch, rooms, more }: Welcome): void {
    if (epoch !== this.#epoch) this.#enterEpoch(epoch);
    for (const { id, seq, since = 0 } of rooms) {
      const state = this.rooms.get(id);
      if (state) Object.assign(state, { isMember: true, hasLeft: false });
      else this.rooms.set(id, newState(this.#startsAtHeads || since === 0 ? seq : since - 1));
    }
    if (!more) this.#startsAtHeads = false;
  }

  /** In another epoch, the client must load the history of each room. */
  #enterEpoch(epoch: string): void {
    for (const state of this.rooms.values()) state.resync = 0;
    this.#readSeqs.clear();
    this.#epoch = epoch;
    this.#isOtherEpoch = false;
    this.#startsAtHeads = true;
  }

  #sentMessage(message: Message): void {
    const { roomId, seq, id } = message;
    this.#sentMessages.set(id, message);
    const state = this.rooms.get(roomId) ?? newState(seq - 1);
    this.rooms.set(roomId, state);
    if (this.#startsMembership(message)) Object.assign(state, { isMember: true, hasLeft: false });
    if (this.#endsMembership(message)) state.isMember = false;
    state.sent = Math.max(state.sent, seq);
  }

  #resync({ roomId, seq }: Resync): void {
    const state = this.rooms.get(roomId) ?? newState(seq);
    this.rooms.set(roomId, { ...state, sent: seq, resync: seq, handledBefore: 0 });
    this.#readSeqs.delete(roomId);
  }

  #brokenPosition(roomId: string, position: number): Broken {
    const state = this.rooms.get(roomId);
    if (!state || state.hasLeft) return `Resume has the room ${roomId}, of which the client is not a member`;
    const { handledBefore, sent, resync } = state;
    if (resync !== undefined) return undefined;
    if (position > sent) return `Resume has the position ${position} of ${roomId}, but only ${sent} was sent`;
    return position < handledBefore
      ? `Resume has the position ${position}, but ${handledBefore} was handled`
      : undefined;
  }

  #startsMembership({ command, targetId, userId }: Message): boolean {
    return command === 'AddUser' ? targetId === this.#userId : command === 'CreateRoom' && userId === this.#userId;
  }

  #endsMembership({ command, targetId }: Message): boolean {
    return command === 'DeleteRoom' || (command === 'RemoveUser' && targetId === this.#userId);
  }
}

const newState = (seq: number): RoomState => ({
  ...{ handled: seq, sent: seq, resync: undefined, isMember: true, hasLeft: false, handledBefore: seq },
});

const isMessage = (frame: Frame): frame is Message => 'seq' in frame && 'userId' in frame;
const isWelcome = (frame: Frame): frame is Welcome => frame.command === 'Welcome';
