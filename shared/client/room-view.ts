import type { Events } from './events.ts';
import type { Answer, Method } from './http.ts';
import { newRef } from './new-ref.ts';
import type { Outcome, Pending } from './outbox.ts';
import { type OwnMessage, OwnMessages } from './own-messages.ts';
import { endsMembership } from './positions.ts';
import type { Ack, Command, Message, Person } from './protocol.ts';
import { type HistoryStatus, RoomHistory } from './room-history.ts';

export interface ViewOptions {
  /** The messages of a page, 1 to 100. Default: 50. */
  size?: number;
  /** The most messages in memory. New messages push out the oldest ones. Default: 1,000. */
  maxMessages?: number;
}

/** A message of the history. */
export type CommittedMessage = Message & { state: 'committed' };

/** What a page shows. It is immutable, and the same object until something changes. */
export interface RoomSnapshot {
  roomId: string;
  /** `loading`: the messages may be old. `gone`: the user does not see this room. */
  status: HistoryStatus;
  name: string | undefined;
  /** Up to 100. A user who has just joined has only an `id` until the rest is loaded. */
  members: readonly (Pick<Person, 'id'> & Partial<Person>)[];
  /** Oldest first. `ref` is a stable key. The own messages that are not in the history yet are last. */
  messages: readonly (CommittedMessage | OwnMessage)[];
  /** True if `loadOlder` finds more messages. */
  hasOlder: boolean;
}

/** What a view needs from the client. */
export interface RoomSource {
  readonly userId: string | undefined;
  readonly outbox: Pending[];
  on: Events<ViewEvents>['on'];
  request<T>(method: Method, path: string): Promise<Answer<T>>;
  send(command: Command, ref?: string): Promise<Ack>;
  positionOf(roomId: string): number | undefined;
}

interface ViewEvents {
  state: { reason: string };
  message: Message;
  resync: { roomId: string };
  left: { roomId: string };
  sending: Pending;
  outcome: Outcome;
}

/** One room as observable state: `subscribe` and `getSnapshot` fit `useSyncExternalStore` of React. */
export class RoomView {
  readonly roomId: string;
  readonly #source: RoomSource;
  readonly #history: RoomHistory;
  readonly #own: OwnMessages;
  readonly #listeners = new Set<() => void>();
  readonly #offs: (() => void)[];
  #snapshot: RoomSnapshot | undefined;
  #isChanged = false;
  #isClosed = false;
  /** A message that has not changed is the same object in the next snapshot. */
  readonly #committed = new WeakMap<Message, CommittedMessage>();

  constructor(source: RoomSource, roomId: string, { size = 50, maxMessages = 1_000 }: ViewOptions = {}) {
    this.roomId = roomId;
    this.#source = source;
    this.#own = new OwnMessages(roomId);
    this.#history = new RoomHistory({
      ...{ roomId, size, maxMessages, request: (method, path) => source.request(method, path) },
      position: () => source.positionOf(roomId),
      onChange: () => this.#change(),
    });
    const ofRoom = <E extends { roomId: string }>(act: (event: E) => void) => {
      return (event: E) => event.roomId === roomId && act(event);
    };
    const reload = ofRoom(() => this.#history.load());
    this.#offs = [
      source.on('state', ({ reason }) => (reason === 'close' ? this.close() : this.#history.check())),
      source.on(
        'message',
        ofRoom((message) => this.#receive(message)),
      ),
      source.on('resync', reload),
      source.on('left', reload),
      source.on('sending', (pending) => this.#own.add(pending) && this.#change()),
      source.on('outcome', (outcome) => this.#own.complete(outcome) && this.#change()),
    ];
    for (const pending of source.outbox) this.#own.add(pending);
    void this.#history.load();
  }

  /** @param listener is called after each change @returns a function that removes the listener */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getSnapshot = (): RoomSnapshot => {
    this.#snapshot ??= this.#build();
    return this.#snapshot;
  };

  /** Loads older messages. @returns false if there are none, or if the view has its `maxMessages` @throws Refused */
  loadOlder(): Promise<boolean> {
    return this.#history.loadOlder();
  }

  /** Sends a message. Its state is in the snapshot too. @throws Refused */
  write(text: string, ref: string = newRef()): Promise<Ack> {
    return this.#source.send({ command: 'CreateMessage', roomId: this.roomId, text }, ref);
  }

  edit(targetId: string, text: string): Promise<Ack> {
    return this.#source.send({ command: 'UpdateMessage', roomId: this.roomId, targetId, text });
  }

  delete(targetId: string): Promise<Ack> {
    return this.#source.send({ command: 'DeleteMessage', roomId: this.roomId, targetId });
  }

  /** Sends a failed message again. Its ref stays, or it gets a new one, as the refusal says. @throws Refused */
  async retry(ref: string): Promise<Ack | undefined> {
    const failed = this.discard(ref);
    return failed && this.write(failed.text, failed.refused?.retry === 'same_ref' ? ref : undefined);
  }

  /** Removes a failed message. @returns it */
  discard(ref: string): OwnMessage | undefined {
    const failed = this.#own.remove(ref);
    this.#change();
    return failed;
  }

  /** Yields the newest snapshot, then again after changes. A slow reader skips snapshots. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RoomSnapshot, void> {
    let last: RoomSnapshot | undefined;
    while (!this.#isClosed) {
      const snapshot = this.getSnapshot();
      if (snapshot !== last) yield snapshot;
      else await this.#nextChange();
      last = snapshot;
    }
  }

  /** Ends the view. The client keeps the messages that are being sent. */
  close(): void {
    this.#isClosed = true;
    this.#history.close();
    for (const off of this.#offs) off();
    this.#notify();
  }

  #receive(message: Message): void {
    if (endsMembership(message, this.#source.userId)) return void this.#history.load();
    this.#history.push(message);
    if (message.command === 'AddUser') void this.#loadPerson(message.targetId);
  }

  async #loadPerson(id: string): Promise<void> {
    const { people } = this.#history;
    if (people.has(id)) return;
    const answer = await this.#source.request<Person>('GET', `/api/users/${id}`).catch(() => undefined);
    if (answer) people.set(id, answer.body);
    this.#change();
  }

  #change(): void {
    const { messages, seq } = this.#history.state;
    this.#own.settle(messages, seq, this.#source.userId);
    this.#snapshot = undefined;
    // Many changes in one turn are one notification.
    if (!this.#isChanged) queueMicrotask(() => this.#notify());
    this.#isChanged = true;
  }

  #notify(): void {
    this.#isChanged = false;
    for (const listener of [...this.#listeners]) listener();
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      const off = this.subscribe(() => {
        off();
        resolve();
      });
    });
  }

  #build(): RoomSnapshot {
    const { state, status, hasOlder, people } = this.#history;
    const messages = state.messages.map((message) => this.#commit(message));
    return {
      ...{ roomId: this.roomId, status, hasOlder, name: state.name },
      members: state.memberIds.map((id) => people.get(id) ?? { id }),
      messages: [...messages, ...this.#own.list],
    };
  }

  #commit(message: Message): CommittedMessage {
    const committed = this.#committed.get(message) ?? { ...message, state: 'committed' };
    this.#committed.set(message, committed);
    return committed;
  }
}
