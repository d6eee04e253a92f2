import type { Account } from '../accounts.ts';
import { checkStored, type StoredMessage } from '../check.ts';
import { createRooms } from '../fixture.ts';
import { FieldFinder, readNumber } from '../frame-fields.ts';
import { type HttpLoad, runHttpLoad, WARM_UP_MS } from '../http-load.ts';
import { Ledger, type LedgerRoom } from '../ledger.ts';
import { type Figures, printFigures, type Result } from '../measure.ts';
import { encodeRequest } from '../raw-http.ts';
import type { System } from '../with-cluster.ts';

const SIZE = { members: 200, rooms: 20 };
/** A room is created, and then its other members are added. */
const INITIAL_SEQ = SIZE.members / SIZE.rooms;
const PAGE_SIZE = 20;
const MAX_REQUESTS_PER_SECOND = 30_000;
/** Of this many pages, one is parsed and compared with what a page must be. */
const CHECK_ONE_OF = 50;
const TEXT = 'Hello World! '.repeat(8).trim();

interface HttpOptions {
  /** How many connections send at the same time. Default: 64. */
  sockets?: number | undefined;
  /** How long each kind of request is measured. Default: 10. */
  seconds?: number | undefined;
}

/** Messages over HTTP, then pages of 20 messages. Each connection sends its next request when it has its answer. */
export async function measureHttp(system: System, { sockets = 64, seconds = 10 }: HttpOptions): Promise<Result> {
  const { accounts, roomIds } = await createRooms(system, SIZE);
  const ledger = new Ledger((seconds + WARM_UP_MS / 1_000) * MAX_REQUESTS_PER_SECOND);
  const figures: Figures = {};
  const errors: string[] = [];
  for (const load of [messages(system.url, accounts, roomIds, ledger), pages(system.url, accounts, roomIds)]) {
    system.print(`${sockets} connections, ${seconds} s: ${load.name} ...`);
    const result = await runHttpLoad(system, load, sockets, seconds);
    printFigures(result.figures, system.print);
    errors.push(...result.errors);
    for (const [name, value] of Object.entries(result.figures)) figures[`${load.name} ${name}`] = value;
  }
  errors.push(...(await checkMessages(system, roomIds, ledger)));
  return { errors, figures };
}

function messages(url: string, accounts: Account[], roomIds: string[], ledger: Ledger): HttpLoad {
  const [seqField, refField] = [new FieldFinder('seq'), new FieldFinder('ref')];
  const body = JSON.stringify({ text: TEXT });
  const rooms = roomIds.map((id): LedgerRoom => ({ id, initialSeq: INITIAL_SEQ, order: [] }));
  return {
    name: 'POST a message',
    request: (connection) => {
      const index = connection % accounts.length;
      const { token } = accounts[index] as Account;
      const room = rooms[index % rooms.length] as LedgerRoom;
      const key = ledger.refs.of(ledger.recordSending(connection, room, performance.now()));
      const headers = [`Authorization: Bearer ${token}`, `Idempotency-Key: ${key}`];
      return encodeRequest(url, `POST /api/messages/${room.id}`, headers, body);
    },
    check: (status, bytes, start, end) => {
      if (status !== 201) return `${status} ${bytes.toString('utf8', start, end)}`;
      const index = ledger.refs.indexIn(bytes, refField.find(bytes, start, end) + 1);
      ledger.recordAck(index, readNumber(bytes, seqField.find(bytes, start, end)));
      return undefined;
    },
  };
}

function pages(url: string, accounts: Account[], roomIds: string[]): HttpLoad {
  const requests = accounts.map(({ token }, index) => {
    const route = `GET /api/messages/${roomIds[index % roomIds.length]}?size=${PAGE_SIZE}`;
    return encodeRequest(url, route, [`Authorization: Bearer ${token}`]);
  });
  let count = 0;
  return {
    name: `GET a page of ${PAGE_SIZE}`,
    request: (connection) => requests[connection % requests.length] as Buffer,
    check: (status, bytes, start, end) => {
      if (status !== 200) return `${status} ${bytes.toString('utf8', start, end)}`;
      return count++ % CHECK_ONE_OF === 0 ? checkPage(bytes.toString('utf8', start, end)) : undefined;
    },
  };
}

/** All messages of this page are newer than the last edit, so their seqs fall by one. */
function checkPage(text: string): string | undefined {
  const page = JSON.parse(text) as { seq: number }[];
  if (page.length !== PAGE_SIZE) return `a page has ${page.length} messages, not ${PAGE_SIZE}`;
  const first = page[0]?.seq ?? 0;
  return page.every(({ seq }, place) => seq === first - place) ? undefined : 'the messages of a page are not in order';
}

async function checkMessages({ database }: System, roomIds: string[], ledger: Ledger): Promise<string[]> {
  const errors: string[] = [...ledger.errors];
  let stored = 0;
  for (const roomId of roomIds) {
    const rows = await database<StoredMessage[]>`
      select seq, ref from messages where room_id = ${roomId} order by seq`;
    errors.push(...checkStored({ id: roomId, initialSeq: INITIAL_SEQ }, rows, ledger));
    stored += rows.length - INITIAL_SEQ;
  }
  if (stored !== ledger.acked) errors.push(`${ledger.acked} messages were answered, ${stored} are stored`);
  return errors;
}
