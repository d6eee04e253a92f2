import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as v from 'valibot';
import type { UserOfRoom } from '../contract/answers.ts';
import type * as commands from '../contract/commands.ts';
import * as frames from '../contract/frames.ts';
import { limits } from '../contract/limits.ts';
import type * as messages from '../contract/messages.ts';
import type * as people from '../contract/people.ts';
import type * as readMarks from '../contract/read-marks.ts';
import type * as resume from '../contract/resume.ts';
import * as protocol from './protocol.ts';

type FrameOf<Name> = Extract<protocol.Frame, { command: Name }>;

/** Compiles only if each type fits the other. */
const assertEqualTypes = <A, B>(one: (value: A) => B, other: (value: B) => A) => assert.equal(one, other);
const same = <T>(value: T): T => value;

test('the types and numbers of the client are those of the contract', () => {
  assertEqualTypes<messages.Message, protocol.Message>(same, same);
  assertEqualTypes<frames.Ack, protocol.Ack>(same, same);
  assertEqualTypes<UserOfRoom, protocol.Person>(same, same);
  assertEqualTypes<frames.GoingAway, FrameOf<'GoingAway'>>(same, same);
  assertEqualTypes<frames.Welcome, protocol.Welcome>(same, same);
  assertEqualTypes<readMarks.Read, protocol.Read>(same, same);
  assertEqualTypes<people.Presence, protocol.Presence>(same, same);
  assertEqualTypes<people.TypingUsers, protocol.TypingUsers>(same, same);
  assertEqualTypes<people.Watch, protocol.Watch>(same, same);
  assertEqualTypes<people.Typing, protocol.Typing>(same, same);
  assertEqualTypes<readMarks.MarkRead, protocol.MarkRead>(same, same);
  assertEqualTypes<resume.Resume, protocol.Resume>(same, same);
  assertEqualTypes<resume.Resync, FrameOf<'Resync'>>(same, same);
  assertEqualTypes<resume.Resumed, FrameOf<'Resumed'>>(same, same);
  assertEqualTypes<resume.Left, FrameOf<'Left'>>(same, same);
  assertEqualTypes<resume.Heads, FrameOf<'Heads'>>(same, same);
  // The client also takes codes that it does not know, and sends only fields that a command uses.
  const error: protocol.ErrorFrame = {} as frames.ErrorFrame;
  const command: v.InferInput<typeof commands.Command> = {} as protocol.Command & { ref: string };
  assert.ok(error && command);

  assert.equal(protocol.ROOMS_V1, frames.ROOMS_V1);
  assert.equal(protocol.MAX_FRAME_BYTES, limits.MAX_FRAME_BYTES);
});
