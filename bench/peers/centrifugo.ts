import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from '../../shared/local/child.ts';
import { freePort } from '../../shared/local/ports.ts';
import { FieldFinder, readNumber } from '../frame-fields.ts';
import { findProgram, getGoProgram } from '../go-program.ts';
import type { Dialect, DialectEvents, Peer, Setup } from './peer.ts';
import { waitUntilListening } from './programs.ts';

/** Needs Go 1.26 or later. */
const CENTRIFUGO = { name: 'centrifugo', goPackage: 'github.com/centrifugal/centrifugo/v6@v6.9.1' };

export const centrifugo: Peer = {
  name: 'centrifugo',
  title: 'Centrifugo 6 + Redis',
  isInstalled: async (binaries) => (await findProgram(CENTRIFUGO.name, binaries)) !== undefined,
  install: async (binaries, print) => (await getGoProgram(CENTRIFUGO, binaries, print)) !== undefined,
  start: async (setup) => {
    const [port, program] = [await freePort(), (await findProgram(CENTRIFUGO.name, setup.binaries)) as string];
    const config = join(setup.logs, 'centrifugo.json');
    writeFileSync(config, JSON.stringify(configuration(port, setup.redisUrl)));
    const server = startChild({
      name: 'centrifugo',
      command: [program, '--config', config],
      output: join(setup.logs, 'centrifugo.log'),
    });
    await waitUntilListening(server, port, setup.logs);
    return {
      urls: [`http://127.0.0.1:${port}`],
      dialect: centrifugoDialect(setup),
      children: [server],
      receivers: setup.members / setup.rooms,
      stop: () => server.stop(),
    };
  },
};

/** Channels without history: the fastest that Centrifugo offers with Redis. */
function configuration(port: number, redisUrl: string): object {
  return {
    http_server: { address: '127.0.0.1', port: `${port}` },
    engine: { type: 'redis', redis: { address: redisUrl } },
    client: { insecure: true },
    channel: { without_namespace: { allow_subscribe_for_client: true, allow_publish_for_subscriber: true } },
    log: { level: 'warn' },
  };
}

const EMPTY_LENGTH = '{}'.length;
const ID_AT = '{"id":'.length;
const [NEWLINE, I] = Buffer.from('\ni') as unknown as [number, number];
const SUBSCRIBE_ID = 2;
const FIRST_PUBLISH_ID = 3;

/** The JSON protocol of Centrifugo. A frame has one or several lines, each with one reply or one push. */
function centrifugoDialect({ rooms, refs }: Setup): Dialect {
  const refOf = new FieldFinder('ref');
  const errorOf = new FieldFinder('error');
  const readLine = (bytes: Buffer, start: number, end: number, events: DialectEvents) => {
    if (end - start === EMPTY_LENGTH) return events.reply('{}');
    // The second letter of `{"id":…` (a reply) and of `{"push":…` differ.
    if (bytes[start + 2] !== I) return events.delivered(refs.indexIn(bytes, refOf.find(bytes, start, end) + 1));
    if (errorOf.find(bytes, start, end) >= 0) return events.refused(bytes.toString('utf8', start, end));
    const id = readNumber(bytes, start + ID_AT);
    if (id >= FIRST_PUBLISH_ID) events.acked(id - FIRST_PUBLISH_ID);
    else if (id === SUBSCRIBE_ID) events.ready();
  };
  return {
    upgrade: () => ({ path: '/connection/websocket' }),
    greeting: (member) =>
      `{"id":1,"connect":{}}\n{"id":${SUBSCRIBE_ID},"subscribe":{"channel":"room${member % rooms}"}}`,
    encode: (member, index, text) => {
      const data = `{"ref":"${refs.of(index)}","text":"${text}"}`;
      return `{"id":${index + FIRST_PUBLISH_ID},"publish":{"channel":"room${member % rooms}","data":${data}}}`;
    },
    read: (bytes, start, end, events) => {
      for (let lineStart = start; lineStart < end; ) {
        // Without the end of the frame, the search would go on in the frames behind it.
        const length = bytes.subarray(lineStart, end).indexOf(NEWLINE);
        const lineEnd = length < 0 ? end : lineStart + length;
        readLine(bytes, lineStart, lineEnd, events);
        lineStart = lineEnd + 1;
      }
    },
  };
}
