import { setTimeout as wait } from 'node:timers/promises';
import type { Account } from '../accounts.ts';
import { inParallel } from '../call-api.ts';
import { createRooms } from '../fixture.ts';
import { FieldFinder } from '../frame-fields.ts';
import { type Figures, printFigures, type Result } from '../measure.ts';
import { encodeText, RawSocket } from '../raw-socket.ts';
import type { System } from '../with-cluster.ts';

const ROUNDS = 3;
const MAX_CONNECTS_AT_ONCE = 50;
/** Members who come and go. They are not among those who watch. */
const VISITORS = 100;
const COMES_AND_GOES_PER_SECOND = 20;
const TYPES_EVERY_SECONDS = 3;
const TICK_MS = 50;
const SETTLE_MS = 5_000;
const PHASES = ['at rest', 'coming and going', 'watched, with typing'] as const;
const PRESENCE = Buffer.from('"Presence"');
const TYPING = Buffer.from('"Typing"');

const commandField = new FieldFinder('command');

interface PeopleOptions {
  /** Who watches and types. Default: 1,000. */
  members?: number | undefined;
  /** The time of each phase. Default: 10. */
  seconds?: number | undefined;
  /** Before each phase, the gateway ends what the phase before has begun. Default: 5 s. */
  settleSeconds?: number;
}

/** One open socket, and what it has received. */
interface Person {
  socket: RawSocket;
  presences: number;
  typings: number;
}

/**
 * People in one room who only wait, then members who come and go, and then all watch the room and type too. The
 * difference of the last two is what presence and typing cost. The three phases are repeated in turns.
 */
export async function measurePeople(system: System, options: PeopleOptions): Promise<Result> {
  const { members = 1_000, seconds = 10, settleSeconds = SETTLE_MS / 1_000 } = options;
  const { url, print, readCpu } = system;
  print(`${members} members of one room, and ${VISITORS} who come and go ...`);
  const { accounts, roomIds } = await createRooms(system, { members: members + VISITORS, rooms: 1 });
  const roomId = roomIds[0] as string;
  const people = await inParallel(members, (index) => open(url, accounts[index] as Account), MAX_CONNECTS_AT_ONCE);
  const load = new PeopleLoad(url, people, accounts.slice(members), roomId);
  const cores = PHASES.map(() => 0);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [phase] of PHASES.entries()) {
      load.start(phase);
      await wait(settleSeconds * 1_000);
      const before = readCpu().gateway;
      await wait(seconds * 1_000);
      cores[phase] = (cores[phase] ?? 0) + (readCpu().gateway - before) / seconds / ROUNDS;
      await load.stop();
    }
  }
  const figures: Figures = Object.fromEntries(
    PHASES.map((name, phase) => [`gateway cores, ${name}`, cores[phase] ?? 0]),
  );
  figures['gateway cores of presence and typing'] = (cores[2] ?? 0) - (cores[1] ?? 0);
  figures['frames/s to each socket'] =
    people.reduce((sum, { presences, typings }) => sum + presences + typings, 0) /
    (members * ROUNDS * (seconds + settleSeconds));
  printFigures(figures, print);
  const uninformed = people.filter(({ presences, typings }) => presences === 0 || typings === 0).length;
  for (const { socket } of people) socket.destroy();
  return { errors: uninformed > 0 ? [`${uninformed} sockets got no Presence or no Typing`] : [], figures };
}

/** What the members of the room do. */
class PeopleLoad {
  readonly #url: string;
  readonly #people: Person[];
  readonly #visitors: Account[];
  readonly #roomId: string;
  readonly #inside: Person[] = [];
  #timer: NodeJS.Timeout | undefined;
  #nextVisitor = 0;
  #nextTypist = 0;

  constructor(url: string, people: Person[], visitors: Account[], roomId: string) {
    this.#url = url;
    this.#people = people;
    this.#visitors = visitors;
    this.#roomId = roomId;
  }

  start(phase: number): void {
    if (phase === 2) this.#watch([this.#roomId]);
    if (phase > 0) this.#timer = setInterval(() => this.#tick(phase === 2), TICK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#watch([]);
    for (const { socket } of this.#inside.splice(0)) socket.destroy();
  }

  #watch(rooms: string[]): void {
    const frame = encodeText(JSON.stringify({ command: 'Watch', rooms }));
    for (const { socket } of this.#people) socket.send(frame);
  }

  #tick(isTyping: boolean): void {
    for (let count = (COMES_AND_GOES_PER_SECOND * TICK_MS) / 1_000; count > 0; count--) this.#comeOrGo();
    if (!isTyping) return;
    const frame = encodeText(JSON.stringify({ command: 'Typing', roomId: this.#roomId }));
    const typists = Math.ceil((this.#people.length / TYPES_EVERY_SECONDS) * (TICK_MS / 1_000));
    for (let count = 0; count < typists; count++)
      this.#people[this.#nextTypist++ % this.#people.length]?.socket.send(frame);
  }

  /** Half of the visitors are inside: one comes, then the one who came first goes. */
  #comeOrGo(): void {
    if (this.#inside.length > this.#visitors.length / 2) this.#inside.shift()?.socket.destroy();
    else {
      const visitor = this.#visitors[this.#nextVisitor++ % this.#visitors.length] as Account;
      open(this.#url, visitor).then(
        (person) => this.#inside.push(person),
        () => undefined,
      );
    }
  }
}

/** Resolves after the `Welcome`. */
function open(url: string, { token }: Account): Promise<Person> {
  const { promise, resolve, reject } = Promise.withResolvers<Person>();
  const person: Person = {
    presences: 0,
    typings: 0,
    socket: new RawSocket({
      ...{ url, token },
      onFrame: (bytes, start, end) => {
        const at = commandField.find(bytes, start, end);
        if (PRESENCE.compare(bytes, at, at + PRESENCE.length) === 0) person.presences++;
        else if (TYPING.compare(bytes, at, at + TYPING.length) === 0) person.typings++;
        else resolve(person);
      },
      onClose: (reason) => reject(new Error(`a socket was closed: ${reason}`)),
    }),
  };
  return promise;
}
