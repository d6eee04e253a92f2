import { isMessage, type Message } from '../../../shared/client/protocol.ts';
import { texts } from '../texts.ts';
import type { LogEntry } from './frame-log.ts';

/** @returns the sentences that explain why a message stands where it does, from the log. Empty for other entries */
export function whyHere(entry: LogEntry, log: readonly LogEntry[]): string[] {
  const { frame, place } = entry;
  if (!frame || !('createdAt' in frame) || !isMessage(frame) || !place) return [];
  const words = texts.inspector.why;
  return [
    words.seq(frame.seq),
    words[place](frame.seq),
    ...ownCommand(frame, log),
    words.times(frame.createdAt, entry.time - Date.parse(frame.createdAt)),
  ];
}

/** About the command of this page that made the message, if there is one in the log. */
function ownCommand({ ref, roomId, seq }: Message, log: readonly LogEntry[]): string[] {
  const isSent = (each: LogEntry) =>
    each.kind === 'sent' && each.frame && 'ref' in each.frame && each.frame.ref === ref;
  const sendings = log.filter(isSent);
  const [first] = sendings;
  if (!first) return [];
  const ack = log.find(
    ({ name, frame }) => name === 'Ack' && frame && 'seq' in frame && isSamePlace(frame, roomId, seq),
  );
  const words = texts.inspector.why;
  return [words.sent(sendings.length), ack ? words.acknowledged(ack.time - first.time) : words.notAcknowledged];
}

const isSamePlace = (frame: { roomId: string; seq: number }, roomId: string, seq: number) =>
  frame.roomId === roomId && frame.seq === seq;
