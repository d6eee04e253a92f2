import * as v from 'valibot';
import { limits } from './limits.ts';

/** Text that UTF-8 and jsonb can hold: no lone surrogates, no U+0000. */
export const WellFormed = v.pipe(
  v.string(),
  v.check((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed Unicode'),
);

/** Text with a number of Unicode code points between the bounds. */
const characters = (min: number, max: number) => v.pipe(WellFormed, v.minCodePoints(min), v.maxCodePoints(max));

const Name = v.pipe(v.string(), v.trim(), characters(limits.MIN_NAME_CHARACTERS, limits.MAX_NAME_CHARACTERS));
export const PersonName = Name;
export const RoomName = Name;
export const MessageText = characters(limits.MIN_TEXT_CHARACTERS, limits.MAX_TEXT_CHARACTERS);
export const Password = characters(limits.MIN_PASSWORD_CHARACTERS, limits.MAX_PASSWORD_CHARACTERS);
export const Email = v.pipe(WellFormed, v.maxLength(limits.MAX_EMAIL_CHARACTERS), v.rfcEmail());

/** Digits, and the characters that people write between them. */
export const Phone = v.pipe(
  characters(limits.MIN_PHONE_CHARACTERS, limits.MAX_PHONE_CHARACTERS),
  v.regex(/^[+\d][\d .()/-]*$/),
);

export const Role = v.picklist(['user', 'admin']);
export type Role = v.InferOutput<typeof Role>;

export const RoomType = v.picklist(['Private', 'Public', 'ReadOnly']);
export type RoomType = v.InferOutput<typeof RoomType>;

/** A moment in UTC with milliseconds (RFC 3339), as JSON carries it. */
export const Timestamp = v.pipe(v.string(), v.isoTimestamp());

/** A message's number in its room: 1..n, without a gap. */
export const Seq = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
