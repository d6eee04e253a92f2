import { setTimeout as wait } from 'node:timers/promises';
import type { Ledger } from './ledger.ts';
import type { Member } from './member.ts';

const TEXT = 'Hello World! '.repeat(8).trim();
const RESEND_AFTER_MS = 5_000;

/** Each socket has `window` messages without an ack. When one of them is acked, the socket sends the next message. */
export async function runClosedLoop(
  members: Member[],
  ledger: Ledger,
  messages: number,
  window: number,
): Promise<void> {
  let unsent = messages;
  const sendOneByOne = async (member: Member) => {
    while (unsent-- > 0) await send(member, ledger);
  };
  await Promise.all(members.flatMap((member) => Array.from({ length: window }, () => sendOneByOne(member))));
}

/** Sends at a constant rate. Does not wait for acks, so a slow server does not reduce the load. */
export async function runOpenLoop(
  members: Member[],
  ledger: Ledger,
  messages: number,
  messagesPerSecond: number,
): Promise<void> {
  const acks: Promise<void>[] = [];
  const startedAt = performance.now();
  while (acks.length < messages) {
    const elapsedSeconds = (performance.now() - startedAt) / 1_000;
    const due = Math.min(messages, Math.ceil(elapsedSeconds * messagesPerSecond));
    while (acks.length < due) acks.push(send(members[acks.length % members.length] as Member, ledger));
    await wait(1);
  }
  await Promise.all(acks);
}

/** Sends like a real client: without an ack after 5 seconds, the same message with the same ref is sent again. */
async function send(member: Member, ledger: Ledger): Promise<void> {
  const { ref, acked } = ledger.recordSending();
  member.send(TEXT, ref);
  const timer = setInterval(() => member.send(TEXT, ref), RESEND_AFTER_MS);
  await acked;
  clearInterval(timer);
}
