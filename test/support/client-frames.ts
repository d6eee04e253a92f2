import * as v from 'valibot';
import type { CommandName } from '../../shared/contract/commands.ts';
import type { RoomType } from '../../shared/contract/fields.ts';
import { Ack, ErrorFrame, GoingAway, Welcome } from '../../shared/contract/frames.ts';
import { Message } from '../../shared/contract/messages.ts';
import { Presence, TypingUsers } from '../../shared/contract/people.ts';
import { Read } from '../../shared/contract/read-marks.ts';
import { Heads, Left, Resumed, Resync } from '../../shared/contract/resume.ts';
import { parseExactly } from './parse-exactly.ts';

const Frame = v.variant('command', [
  v.variant('command', [Welcome, Ack, ErrorFrame, GoingAway]),
  v.variant('command', [Resumed, Resync, Left, Heads, Read, Presence, TypingUsers]),
  Message,
]);

/** Every frame that a gateway sends. */
export type Frame = v.InferOutput<typeof Frame>;

/** A command as a client sends it. */
export interface CommandFrame {
  command: CommandName;
  roomId?: string;
  targetId?: string;
  text?: string;
  roomType?: RoomType;
  ref?: string;
}

export function parseFrame(text: string): Frame {
  return parseExactly(Frame, JSON.parse(text));
}

export function isMessage(frame: Frame): frame is Message {
  return 'userId' in frame;
}
