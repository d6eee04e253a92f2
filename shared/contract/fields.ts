import * as v from 'valibot';
import { limits } from './limits.ts';

/** The message of the check below. The API document finds the check by it. */
export const WELL_FORMED = 'must be well-formed Unicode';

/** A text without lone surrogates and without U+0000, because UTF-8 and jsonb cannot store these. */
export const WellFormed = v.pipe(
  v.string(),
  v.check((text) => text.isWellFormed() && !text.includes('\0'), WELL_FORMED),
);

/** A text with at least `min` and at most `max` Unicode code points. */
const characters = (min: number, max: number) => v.pipe(WellFormed, v.minCodePoints(min), v.maxCodePoints(max));

const Name = v.pipe(
  WellFormed,
  v.trim(),
  v.minCodePoints(limits.MIN_NAME_CHARACTERS),
  v.maxCodePoints(limits.MAX_NAME_CHARACTERS),
);
export const PersonName = Name;
export const RoomName = Name;
export const MessageText = characters(limits.MIN_TEXT_CHARACTERS, limits.MAX_TEXT_CHARACTERS);
export const Password = characters(limits.MIN_PASSWORD_CHARACTERS, limits.MAX_PASSWORD_CHARACTERS);
export const Email = v.pipe(WellFormed, v.maxLength(limits.MAX_EMAIL_CHARACTERS), v.rfcEmail());

/** Digits, and the characters that people write between digits. */
export const Phone = v.pipe(
  characters(limits.MIN_PHONE_CHARACTERS, limits.MAX_PHONE_CHARACTERS),
  v.regex(/^[+\d][\d .()/-]*$/),
);

export const Role = v.picklist(['user', 'admin']);
export type Role = v.InferOutput<typeof Role>;

export const RoomType = v.picklist(['Private', 'Public', 'ReadOnly']);
export type RoomType = v.InferOutput<typeof RoomType>;

/** A time in UTC with milliseconds, as RFC 3339 text. */
export const Timestamp = v.pipe(v.string(), v.isoTimestamp());

/** The number of a message in its room: 1, 2, 3 and so on, without a gap. 0 is the place before the first message. */
export const Seq = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
