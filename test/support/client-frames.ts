import type { CommandName } from '../../shared/contract/commands.ts';
import type { RoomType } from '../../shared/contract/fields.ts';
import { type GatewayFrame, gatewayFrameOf } from '../../shared/contract/frame-lists.ts';
import type { Message } from '../../shared/contract/messages.ts';
import { parseExactly } from './parse-exactly.ts';
import { assertFrameInDocument } from './socket-document.ts';

/** Every frame that a gateway sends. */
export type Frame = GatewayFrame;

/** A command as a client sends it. */
export interface CommandFrame {
  command: CommandName;
  roomId?: string;
  targetId?: string;
  text?: string;
  roomType?: RoomType;
  ref?: string;
}

/** Parses a frame of a gateway. Asserts that its schema and the document of the socket have all of it. */
export function parseFrame(text: string): Frame {
  const frame = JSON.parse(text);
  assertFrameInDocument(frame);
  return parseExactly(gatewayFrameOf(frame.command), frame);
}

export function isMessage(frame: Frame): frame is Message {
  return 'userId' in frame;
}
