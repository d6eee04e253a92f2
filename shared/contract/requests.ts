import * as v from 'valibot';
import { Email, MessageText, Password, PersonName, Phone, Role, RoomName, RoomType, WellFormed } from './fields.ts';
import { Id } from './ids.ts';
import { limits } from './limits.ts';
import { Otp, OtpPurpose } from './otps.ts';

// The bodies, queries and path parameters of the routes.

const Person = { firstName: PersonName, lastName: PersonName, email: Email };

export const Registration = v.strictObject({ ...Person, password: Password, phone: v.optional(Phone) });
export type Registration = v.InferOutput<typeof Registration>;

/** A registration with a one-time password that was mailed to the e-mail address of this body. */
export const RegistrationWithOtp = v.strictObject({ ...Person, password: Password, phone: Phone, otp: Otp });
export type RegistrationWithOtp = v.InferOutput<typeof RegistrationWithOtp>;

export const Login = v.strictObject({ email: Email, password: Password });
export type Login = v.InferOutput<typeof Login>;

export const LoginWithOtp = v.strictObject({ ...Login.entries, otp: Otp });
export type LoginWithOtp = v.InferOutput<typeof LoginWithOtp>;

export const OtpMail = v.strictObject({ email: Email, purpose: v.optional(OtpPurpose) });
export type OtpMail = v.InferOutput<typeof OtpMail>;

export const UserUpdate = v.strictObject({ ...Person, phone: Phone });
export type UserUpdate = v.InferOutput<typeof UserUpdate>;

/** An update with a one-time password that was mailed to the e-mail address of this body. */
export const UserUpdateWithOtp = v.strictObject({ ...UserUpdate.entries, otp: Otp });
export type UserUpdateWithOtp = v.InferOutput<typeof UserUpdateWithOtp>;

export const NewRoom = v.strictObject({ name: RoomName, roomType: v.optional(RoomType) });
export type NewRoom = v.InferOutput<typeof NewRoom>;

export const RoomUpdate = v.strictObject({ name: RoomName });
export type RoomUpdate = v.InferOutput<typeof RoomUpdate>;

export const NewText = v.strictObject({ text: MessageText });
export type NewText = v.InferOutput<typeof NewText>;

export const IdParameter = v.object({ id: Id });
export type IdParameter = v.InferOutput<typeof IdParameter>;

export const RoleParameters = v.object({ id: Id, role: Role });
export type RoleParameters = v.InferOutput<typeof RoleParameters>;

export const MemberParameters = v.object({ room_id: Id, user_id: Id });
export type MemberParameters = v.InferOutput<typeof MemberParameters>;

/** The beginning of the e-mails that a search finds. */
export const SearchParameter = v.object({
  email: v.pipe(WellFormed, v.minLength(limits.MIN_SEARCH_CHARACTERS), v.maxLength(limits.MAX_EMAIL_CHARACTERS)),
});
export type SearchParameter = v.InferOutput<typeof SearchParameter>;

const wholeNumber = (min: number, max: number) =>
  v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.transform(Number), v.minValue(min), v.maxValue(max));

const size = (byDefault: number) => v.optional(wholeNumber(1, limits.MAX_PAGE_SIZE), `${byDefault}`);

/** A page of a list. */
export const ListPage = v.strictObject({
  page: v.optional(wholeNumber(1, limits.MAX_LIST_PAGE), '1'),
  size: size(limits.DEFAULT_PAGE_SIZE),
});
export type ListPage = v.InferOutput<typeof ListPage>;

const SeqParameter = wholeNumber(0, Number.MAX_SAFE_INTEGER);

/** A page of a history by its number, or the messages before or after a seq. */
export const HistoryPage = v.pipe(
  v.strictObject({
    page: v.optional(wholeNumber(1, limits.MAX_HISTORY_PAGE)),
    before: v.optional(SeqParameter),
    after: v.optional(SeqParameter),
    size: size(limits.DEFAULT_HISTORY_PAGE_SIZE),
  }),
  v.check(
    ({ page, before, after }) => [page, before, after].filter((each) => each !== undefined).length <= 1,
    'use one of page, before and after',
  ),
);
export type HistoryPage = v.InferOutput<typeof HistoryPage>;
