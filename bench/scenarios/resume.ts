import { newId } from '../../shared/contract/ids.ts';
import { type Account, createAccounts } from '../accounts.ts';
import { createFixture } from '../fixture.ts';
import { median } from '../latency.ts';
import { Ledger } from '../ledger.ts';
import { runClosedLoop } from '../load.ts';
import { type Figures, printFigures, type Result } from '../measure.ts';
import { Pauses } from '../pauses.ts';
import { ReturningClient } from '../returning/returning-client.ts';
import type { System } from '../with-cluster.ts';

/** Each sender has this number of messages without an ack. */
const WINDOW = 200;
const ROUNDS = 5;

interface ResumeOptions {
  /** How many messages the client has missed. Default: 50,000. */
  messages?: number | undefined;
  /** How many rooms the other client has. Default: 10,000. */
  rooms?: number | undefined;
}

/**
 * One client has missed very many messages of a room. Another one is in very many rooms. How long does it take until they
 * have everything, and how long does the gateway answer nobody else meanwhile?
 */
export async function measureResume(system: System, options: ResumeOptions): Promise<Result> {
  const { messages = 50_000, rooms = 10_000 } = options;
  const { print } = system;
  const errors: string[] = [];
  const behind = await measureBehind(system, messages, errors);
  const many = await measureManyRooms(system, rooms, errors);
  const figures = { ...behind, ...many };
  printFigures(figures, print);
  return { errors, figures };
}

async function measureBehind(system: System, messages: number, errors: string[]): Promise<Figures> {
  const { print, url } = system;
  const ledger = new Ledger(messages);
  const { members, accounts } = await createFixture(system, { members: 2, rooms: 1 }, ledger);
  const back = waitForEach();
  const client = new ReturningClient((accounts[1] as Account).token, { onBack: back.call });
  client.connect(url, url);
  await back.next();
  client.close();
  const positions = new Map(client.positions);
  print(`${messages} messages ...`);
  await runClosedLoop(members, ledger, WINDOW, () => ledger.isFull);
  const [seconds, pauses]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [roomId, seq] of positions) client.positions.set(roomId, seq);
    const measured = new Pauses(url);
    client.connect(url, url);
    seconds.push((await back.next()) / 1_000);
    measured.stop();
    pauses.push(measured.longestMs);
    if (client.received !== messages) errors.push(`the client got ${client.received} of ${messages} messages`);
    client.close();
  }
  errors.push(...client.errors, ...ledger.errors);
  for (const member of members) member.close();
  return { messages, 'all messages s': median(seconds), 'longest answer to others ms': median(pauses) };
}

async function measureManyRooms(system: System, rooms: number, errors: string[]): Promise<Figures> {
  const { print, url, secret, database } = system;
  print(`a user of ${rooms} rooms ...`);
  const [owner, member] = (await createAccounts(url, secret, database, 2)) as [Account, Account];
  await database`
    with room as (
      insert into rooms (id, name, owner_id, room_type, seq, history_length)
      select gen_random_uuid(), 'bench room', ${owner.id}, 'Private', 1, 1 from generate_series(1, ${rooms}::int)
      returning id
    ), created as (
      insert into messages
        (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, history_index)
      select id, 1, gen_random_uuid(), ${owner.id}, 'AddUser', ${member.id}, '', now(), now(), ${newId()}, 0, 1 from room
    )
    insert into memberships (room_id, user_id, seq) select id, ${member.id}, 1 from room`;
  const [first, all, pauses]: [number[], number[], number[]] = [[], [], []];
  const back = waitForEach();
  const client = new ReturningClient(member.token, { onBack: back.call, onFirstFrame: (ms) => void first.push(ms) });
  for (let round = 0; round < ROUNDS; round++) {
    const measured = new Pauses(url);
    client.connect(url, url);
    all.push(await back.next());
    measured.stop();
    pauses.push(measured.longestMs);
    client.close();
  }
  errors.push(...client.errors);
  if (client.positions.size !== rooms + 2) errors.push(`the client has ${client.positions.size} rooms`);
  return {
    rooms,
    'first frame ms': median(first),
    'all rooms ms': median(all),
    'longest answer to others ms, many rooms': median(pauses),
  };
}

/** A callback, and a promise of its next call for each call of `next`. */
function waitForEach() {
  let resolve: (value: number) => void = () => undefined;
  return {
    call: (value: number) => resolve(value),
    next: () =>
      new Promise<number>((resolveNext) => {
        resolve = resolveNext;
      }),
  };
}
