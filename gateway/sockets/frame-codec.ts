import { isUtf8 } from 'node:buffer';
import { Refusal } from '../../shared/contract/errors.ts';
import type { Ack, ErrorFrame, GoingAway, RoomHead, Welcome } from '../../shared/contract/frames.ts';
import type { CommittedCommand } from '../../shared/contract/jobs.ts';
import { parseJson } from '../edge/validate.ts';

/**
 * Parses a frame. Call this in the tick in which the frame arrives: uWebSockets.js reuses the memory of `bytes` later.
 *
 * A client of the original Go server may change a message that it received, and send it as a command. Such a frame has
 * a `createdAt`. Its `ref` belongs to the received message, so it is removed: the command is a new one.
 * @throws Refusal `bad_frame` or `bad_json`
 */
export function parseFrame(bytes: ArrayBuffer, isBinary: boolean): Record<string, unknown> {
  if (isBinary) throw new Refusal('bad_frame');
  const buffer = Buffer.from(bytes);
  if (!isUtf8(buffer)) throw new Refusal('bad_json');
  const frame = parseJson(buffer.toString('utf8'));
  if ('createdAt' in frame) delete frame.ref;
  return frame;
}

/** @param more true if another `Welcome` follows */
export function encodeWelcome(userId: string, rooms: RoomHead[], epoch: string, more = false): string {
  const frame: Welcome = { command: 'Welcome', user: { id: userId }, rooms, epoch, ...(more && { more }) };
  return JSON.stringify(frame);
}

export function encodeAck({ id, roomId, seq }: CommittedCommand, ref: string | undefined): string {
  const frame: Ack = { command: 'Ack', ref, id, roomId, seq };
  return JSON.stringify(frame);
}

export function encodeError(refusal: Refusal, ref?: string): string {
  const frame: ErrorFrame = { command: 'Error', ...refusal.toAnswer(), retryAfter: refusal.retryAfter, ref };
  return JSON.stringify(frame);
}

/** @param after in milliseconds */
export function encodeGoingAway(after: number): string {
  const frame: GoingAway = { command: 'GoingAway', after };
  return JSON.stringify(frame);
}
