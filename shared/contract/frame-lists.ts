import type * as v from 'valibot';
import { Ack, ErrorFrame, GoingAway, Welcome } from './frames.ts';
import { Message } from './messages.ts';
import { Presence, Typing, TypingUsers, Watch } from './people.ts';
import { MarkRead, Read } from './read-marks.ts';
import { Heads, Left, Resume, Resumed, Resync } from './resume.ts';

// All frames by their names. The socket, its document and the tests use these lists.

/** The frames of a client that are not commands. They have no `Ack`. */
export const otherClientFrames = { Resume, MarkRead, Watch, Typing } as const;
export type OtherFrameName = keyof typeof otherClientFrames;
export type OtherFrame<Name extends OtherFrameName> = v.InferOutput<(typeof otherClientFrames)[Name]>;

export const isOtherFrame = (name: unknown): name is OtherFrameName =>
  typeof name === 'string' && Object.hasOwn(otherClientFrames, name);

/** The frames of a gateway. Each has its name in the field `command`, except `message`. */
export const gatewayFrames = {
  ...{ Welcome, Ack, Error: ErrorFrame, GoingAway },
  ...{ Resumed, Resync, Left, Heads },
  ...{ Read, Presence, Typing: TypingUsers },
  message: Message,
} as const;
export type GatewayFrameName = keyof typeof gatewayFrames;
export type GatewayFrame = v.InferOutput<(typeof gatewayFrames)[GatewayFrameName]>;

/** @param command the field `command` of a frame from a gateway. A message has the name of a command there. */
export function gatewayFrameOf(command: string): (typeof gatewayFrames)[GatewayFrameName] {
  return Object.hasOwn(gatewayFrames, command) ? gatewayFrames[command as GatewayFrameName] : gatewayFrames.message;
}
