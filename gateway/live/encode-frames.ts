import type { Read, RoomCounts } from '../../shared/contract/read-marks.ts';
import type { Heads, Left, Resumed, Resync } from '../../shared/contract/resume.ts';

export function encodeResync(roomId: string, seq: number): string {
  const frame: Resync = { command: 'Resync', roomId, seq };
  return JSON.stringify(frame);
}

export function encodeLeft(roomId: string): string {
  const frame: Left = { command: 'Left', roomId };
  return JSON.stringify(frame);
}

export function encodeResumed(): string {
  const frame: Resumed = { command: 'Resumed' };
  return JSON.stringify(frame);
}

export function encodeHeads(rooms: Heads['rooms']): string {
  const frame: Heads = { command: 'Heads', rooms };
  return JSON.stringify(frame);
}

export function encodeRead(counts: RoomCounts): string {
  const frame: Read = { command: 'Read', ...counts };
  return JSON.stringify(frame);
}
