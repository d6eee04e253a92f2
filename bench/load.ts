import { setTimeout as wait } from 'node:timers/promises';

const POLL_AFTER_MS = 5;
const RESEND_AFTER_MS = 5_000;
/** About 30 seconds. Polls are counted instead of time: if this process was stopped, it has not yet read its sockets. */
const MAX_SILENT_POLLS = 6_000;

/** What the loops need of a member with a socket. */
interface LoadMember {
  /** Called after each ack and each refusal of this member's messages. */
  onOutcome: () => void;
  sendMessage(intendedAt: number): void;
  resend?(index: number): void;
}

/** What the loops need of the record of all messages. */
interface LoadLedger {
  readonly isFull: boolean;
  readonly sent: number;
  readonly acked: number;
  readonly refused: number;
  readonly inFlight: number;
  /** Without it, no message is sent a second time. */
  takeSilent?(sentBefore: number): { index: number; sender: number }[];
}

/**
 * Each socket has `window` messages without an outcome. When one of them has its outcome, the socket sends the next
 * message. Resolves when `isDone` is true and every message has its outcome, or after 30 seconds without an outcome.
 */
export async function runClosedLoop(
  members: LoadMember[],
  ledger: LoadLedger,
  window: number,
  isDone: () => boolean,
): Promise<void> {
  const sendNext = (member: LoadMember) => {
    if (!ledger.isFull && !isDone()) member.sendMessage(performance.now());
  };
  for (const member of members) member.onOutcome = () => sendNext(member);
  for (let round = 0; round < window; round++) for (const member of members) sendNext(member);
  await waitForOutcomes(members, ledger, () => ledger.isFull || isDone());
  for (const member of members) member.onOutcome = () => undefined;
}

/**
 * Sends at a constant rate. Does not wait for acks, so a slow server does not reduce the load. The time at which each
 * message has to be sent is fixed before, so the latencies contain every delay.
 */
export async function runOpenLoop(
  members: LoadMember[],
  ledger: LoadLedger,
  messages: number,
  messagesPerSecond: number,
): Promise<void> {
  const startedAt = performance.now();
  const sending = { isDone: false };
  const outcomes = waitForOutcomes(members, ledger, () => sending.isDone);
  for (let count = 0; count < messages; await wait(1)) {
    const due = Math.min(messages, Math.floor(((performance.now() - startedAt) / 1_000) * messagesPerSecond) + 1);
    for (; count < due; count++) {
      const member = members[count % members.length] as LoadMember;
      member.sendMessage(startedAt + (count / messagesPerSecond) * 1_000);
    }
  }
  sending.isDone = true;
  await outcomes;
}

/** Sends a message again after 5 seconds without an outcome, with the same ref, as a real client does. */
async function waitForOutcomes(members: LoadMember[], ledger: LoadLedger, isDone: () => boolean): Promise<void> {
  let [lastProgress, silentPolls, lastSearch] = [0, 0, performance.now()];
  while ((!isDone() || ledger.inFlight > 0) && silentPolls < MAX_SILENT_POLLS) {
    await wait(POLL_AFTER_MS);
    const now = performance.now();
    const progress = ledger.sent + ledger.acked + ledger.refused;
    silentPolls = progress === lastProgress ? silentPolls + 1 : 0;
    lastProgress = progress;
    if (now - lastSearch < RESEND_AFTER_MS) continue;
    lastSearch = now;
    for (const { index, sender } of ledger.takeSilent?.(now - RESEND_AFTER_MS) ?? []) members[sender]?.resend?.(index);
  }
}
