import type { Account } from '../accounts.ts';
import { inParallel } from '../call-api.ts';
import { createRooms } from '../fixture.ts';
import { Latency, median } from '../latency.ts';
import { printFigures, type Result, startCpu } from '../measure.ts';
import { RawSocket } from '../raw-socket.ts';
import type { System } from '../with-cluster.ts';

const MEMBERS_PER_ROOM = 10;
/** The first round is not measured: the gateway still compiles its code. */
const ROUNDS = 4;
const MAX_CONNECTS_AT_ONCE = 200;
/** The two standing rooms, and one other room. */
const ROOMS_OF_USER = 3;

interface Connected {
  socket: RawSocket;
  milliseconds: number;
  /** What is wrong with the Welcome, if anything is. */
  error: string | undefined;
}

/** Opens sockets as fast as possible, each with a token. A socket is open when it has its Welcome with three rooms. */
export async function measureConnects(
  system: System,
  { sockets = 2_000 }: { sockets?: number | undefined },
): Promise<Result> {
  const { print, readCpu } = system;
  print(`${sockets} accounts in rooms of ${MEMBERS_PER_ROOM} ...`);
  const size = { members: sockets, rooms: Math.ceil(sockets / MEMBERS_PER_ROOM) };
  const { accounts, roomIds } = await createRooms(system, size);
  const [errors, rates, latency]: [string[], number[], Latency] = [[], [], new Latency()];
  let measureCpu = startCpu(readCpu);
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    const connected = await inParallel(
      sockets,
      (index) => open(system, index, accounts, roomIds),
      MAX_CONNECTS_AT_ONCE,
    );
    const rate = (sockets / (performance.now() - startedAt)) * 1_000;
    print(`  round ${round}: ${Math.round(rate)} connects/s${round === 0 ? ' (not measured)' : ''}`);
    for (const { socket, milliseconds, error } of connected) {
      socket.destroy();
      if (error) errors.push(error);
      if (round > 0) latency.record(milliseconds);
    }
    if (round === 0) measureCpu = startCpu(readCpu);
    else rates.push(rate);
  }
  const cpu = measureCpu(sockets * (ROUNDS - 1));
  const gatewayMs = { 'gateway CPU ms/connect': (cpu['gateway CPU s/100k'] as number) / 100 };
  const times = { 'Welcome p50 ms': latency.percentileMs(50), 'Welcome p99 ms': latency.percentileMs(99) };
  const figures = { 'connects/s': median(rates), ...gatewayMs, ...times, ...cpu };
  printFigures(figures, print);
  return { errors, figures };
}

function open({ url }: System, index: number, accounts: Account[], roomIds: string[]): Promise<Connected> {
  const { token } = accounts[index] as Account;
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const finish = (error?: string) => resolve({ socket, milliseconds: performance.now() - startedAt, error });
    const socket = new RawSocket({
      url,
      token,
      onFrame: (bytes, start, end) =>
        finish(checkWelcome(bytes.toString('utf8', start, end), roomIds[index % roomIds.length])),
      onClose: (reason) => finish(`socket ${index} was closed: ${reason}`),
    });
  });
}

function checkWelcome(text: string, roomId: string | undefined): string | undefined {
  const { command, rooms } = JSON.parse(text) as { command: string; rooms?: { id: string; seq: number }[] };
  if (command !== 'Welcome') return `the first frame is ${text}`;
  if (rooms?.length !== ROOMS_OF_USER) return `a Welcome has ${rooms?.length} rooms, not ${ROOMS_OF_USER}`;
  return rooms.some(({ id }) => id === roomId) ? undefined : `a Welcome does not have the room ${roomId}`;
}
