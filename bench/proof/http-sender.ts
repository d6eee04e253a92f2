import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Account } from '../accounts.ts';
import { isFinal } from './command-rules.ts';
import type { Recorder } from './recorder.ts';
import { sendAgainAfterMs } from './send-again.ts';

const ANSWER_TIMEOUT_MS = 17_000;

/**
 * Sends a message over HTTP, to the gateways in turn and with the same `Idempotency-Key`, until it has an outcome. Each
 * request counts as a connection of its own, because Rooms promises no order between requests.
 */
export async function sendOverHttp(
  recorder: Recorder,
  urls: string[],
  account: Account,
  message: { roomId: string; text: string },
  isStopped: () => boolean,
): Promise<void> {
  const ref = randomUUID();
  for (let attempt = 0; !isStopped(); attempt++) {
    const connection = recorder.nextConnection();
    recorder.record({ kind: 'sent', connection, ref, command: 'CreateMessage', targetId: message.roomId, ...message });
    const outcome = await post(
      `${urls[attempt % urls.length]}/api/messages/${message.roomId}`,
      account.token,
      ref,
      message.text,
    );
    if (outcome === undefined) recorder.record({ kind: 'closed', connection, reason: 'no answer' });
    else if ('seq' in outcome)
      recorder.record({ kind: 'acked', connection, ref, roomId: message.roomId, seq: outcome.seq });
    else recorder.record({ kind: 'refused', connection, ref, code: outcome.code });
    if (outcome && ('seq' in outcome || isFinal(outcome.code))) return;
    await wait(sendAgainAfterMs(attempt));
  }
}

/** @returns undefined if there was no answer */
async function post(
  url: string,
  token: string,
  ref: string,
  text: string,
): Promise<{ seq: number } | { code: string } | undefined> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': ref },
      body: JSON.stringify({ text }),
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    return (await answer.json()) as { seq: number } | { code: string };
  } catch {
    return undefined;
  }
}
