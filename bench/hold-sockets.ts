import { createInterface } from 'node:readline';
import { inParallel } from './call-api.ts';
import { FieldFinder } from './frame-fields.ts';
import { readTokens } from './holder-process.ts';
import { RawSocket } from './raw-socket.ts';

// node bench/hold-sockets.ts <url>
// The input has one token in each line, and then an empty line. Opens one socket for each token, prints `open`, and
// holds the sockets. After that, prints a count for each line of the input: how many sockets are open, how many have
// received exactly one message that a user wrote, and how many messages were received.

const MAX_CONNECTS_AT_ONCE = 50;
const CREATE_MESSAGE = Buffer.from('"CreateMessage"');

const url = process.argv[2] as string;
const commandField = new FieldFinder('command');
/** How many messages each socket has received. -1: the socket is closed. */
const received: number[] = [];

function open(index: number, token: string): Promise<void> {
  return new Promise((resolve) => {
    new RawSocket({
      url,
      token,
      onFrame: (bytes, start, end) => {
        const at = commandField.find(bytes, start, end);
        if (CREATE_MESSAGE.compare(bytes, at, at + CREATE_MESSAGE.length) === 0)
          received[index] = (received[index] ?? 0) + 1;
        else {
          received[index] ??= 0;
          resolve();
        }
      },
      onClose: (reason) => {
        process.stderr.write(`a socket was closed: ${reason}\n`);
        received[index] = -1;
        resolve();
      },
    });
  });
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tokens = await readTokens(lines);
await inParallel(tokens.length, (index) => open(index, tokens[index] as string), MAX_CONNECTS_AT_ONCE);
process.stdout.write('open\n');
for (let line = await lines.next(); !line.done; line = await lines.next()) {
  const isOpen = received.filter((count) => count >= 0);
  const counts = [
    isOpen.length,
    isOpen.filter((count) => count === 1).length,
    isOpen.reduce((sum, count) => sum + count, 0),
  ];
  process.stdout.write(`${counts.join(' ')}\n`);
}
process.exit(0);
