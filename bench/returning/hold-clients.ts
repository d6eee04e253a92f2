import { createInterface } from 'node:readline';
import { inParallel } from '../call-api.ts';
import { readTokens } from '../holder-process.ts';
import { ReturningClient } from './returning-client.ts';
import type { ClientsReport } from './returning-clients.ts';

// node bench/returning/hold-clients.ts <url> <next url>
// The input has one token in each line, and then an empty line. Opens a client for each token at the first URL, and prints
// `open` when all have resumed. A client that loses its socket goes to the next URL. Prints a report (JSON) when all
// clients are back, and one more report for each further line of the input.

const MAX_CONNECTS_AT_ONCE = 50;
const [url, nextUrl] = process.argv.slice(2) as [string, string];
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const clients: ReturningClient[] = [];
let times: number[] = [];
let isOpen = false;

function open(token: string): Promise<void> {
  return new Promise((resolve) => {
    const client = new ReturningClient(token, {
      onBack: (milliseconds) => {
        resolve();
        if (isOpen) addTime(milliseconds);
      },
    });
    clients.push(client);
    client.connect(url, nextUrl);
  });
}

function addTime(milliseconds: number): void {
  times.push(milliseconds);
  if (times.length === clients.length) printReport();
}

function printReport(): void {
  const positions: Record<string, number> = {};
  for (const client of clients)
    for (const [roomId, seq] of client.positions) positions[roomId] = Math.min(positions[roomId] ?? seq, seq);
  const report: ClientsReport = {
    times,
    received: clients.reduce((sum, { received }) => sum + received, 0),
    errors: clients.flatMap(({ errors }) => errors).slice(0, 10),
    positions,
  };
  times = [];
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

const tokens = await readTokens(lines);
await inParallel(tokens.length, (index) => open(tokens[index] as string), MAX_CONNECTS_AT_ONCE);
isOpen = true;
process.stdout.write('open\n');
for (let line = await lines.next(); !line.done; line = await lines.next()) printReport();
process.exit(0);
