import * as v from 'valibot';
import {
  Email,
  MessageText,
  Password,
  PersonName,
  Phone,
  Role,
  RoomName,
  RoomType,
  Seq,
  WellFormed,
} from './fields.ts';
import { MessageId, RoomId, UserId } from './ids.ts';
import { limits } from './limits.ts';
import { Otp, OtpPurpose } from './otps.ts';

// The bodies, queries and path parameters of the routes. A field that is not in a schema is dropped, because clients of
// the Go server that Rooms replaces send fields of their own.

/**
 * The e-mail that a person gives. The domain `.invalid` is reserved (RFC 2606): no mail reaches it. The accounts of load
 * tests have such e-mails, and `npm run admin -- remove-load-users` deletes them.
 */
const ReachableEmail = v.pipe(
  Email,
  v.check((email) => !/[.@]invalid$/i.test(email), 'must not end in .invalid'),
);

const Person = { firstName: PersonName, lastName: PersonName, email: ReachableEmail };

export const Registration = v.object({ ...Person, password: Password, phone: v.optional(Phone) });
export type Registration = v.InferOutput<typeof Registration>;

/** A registration with a one-time password that was mailed to the e-mail address of this body. */
export const RegistrationWithOtp = v.object({ ...Person, password: Password, phone: Phone, otp: Otp });
export type RegistrationWithOtp = v.InferOutput<typeof RegistrationWithOtp>;

/**
 * The e-mail of an account that exists. The original Go server accepted more forms of e-mails, for example with an
 * umlaut, and a user with such an e-mail must be able to log in after an import.
 */
const KnownEmail = v.pipe(WellFormed, v.maxCodePoints(limits.MAX_EMAIL_CHARACTERS), v.regex(/^[^\s@]+@[^\s@]+$/));

export const Login = v.object({ email: KnownEmail, password: Password });
export type Login = v.InferOutput<typeof Login>;

export const LoginWithOtp = v.object({ ...Login.entries, otp: Otp });
export type LoginWithOtp = v.InferOutput<typeof LoginWithOtp>;

export const OtpMail = v.object({ email: ReachableEmail, purpose: v.optional(OtpPurpose) });
export type OtpMail = v.InferOutput<typeof OtpMail>;

export const UserUpdate = v.object({ ...Person, phone: Phone });
export type UserUpdate = v.InferOutput<typeof UserUpdate>;

/** An update with a one-time password that was mailed to the e-mail address of this body. */
export const UserUpdateWithOtp = v.object({ ...UserUpdate.entries, otp: Otp });
export type UserUpdateWithOtp = v.InferOutput<typeof UserUpdateWithOtp>;

export const NewRoom = v.object({ name: RoomName, roomType: v.optional(RoomType) });
export type NewRoom = v.InferOutput<typeof NewRoom>;

export const RoomUpdate = v.object({ name: RoomName });
export type RoomUpdate = v.InferOutput<typeof RoomUpdate>;

export const NewText = v.object({ text: MessageText });
export type NewText = v.InferOutput<typeof NewText>;

export const NewReadMark = v.object({ seq: Seq });
export type NewReadMark = v.InferOutput<typeof NewReadMark>;

export const RoomParameter = v.object({ id: RoomId });
export type RoomParameter = v.InferOutput<typeof RoomParameter>;

/** The name of a file of the page. */
export const FileParameter = v.object({ file: v.pipe(v.string(), v.maxLength(100)) });
export type FileParameter = v.InferOutput<typeof FileParameter>;

/** The e-mail to which a code was mailed. */
export const EmailParameter = v.object({ email: ReachableEmail });
export type EmailParameter = v.InferOutput<typeof EmailParameter>;

export const UserParameter = v.object({ id: UserId });
export type UserParameter = v.InferOutput<typeof UserParameter>;

export const MessageParameter = v.object({ id: MessageId });
export type MessageParameter = v.InferOutput<typeof MessageParameter>;

export const RoleParameters = v.object({ id: UserId, role: Role });
export type RoleParameters = v.InferOutput<typeof RoleParameters>;

export const MemberParameters = v.object({ room_id: RoomId, user_id: UserId });
export type MemberParameters = v.InferOutput<typeof MemberParameters>;

/** The beginning of the e-mails that a search finds. */
export const SearchParameter = v.object({
  email: v.pipe(
    WellFormed,
    v.minCodePoints(limits.MIN_SEARCH_CHARACTERS),
    v.maxCodePoints(limits.MAX_EMAIL_CHARACTERS),
  ),
});
export type SearchParameter = v.InferOutput<typeof SearchParameter>;

/** The number of a page, or its size. The Go server that Rooms replaces refuses no query. */
const pageNumber = (byDefault: number) =>
  v.pipe(
    v.string(),
    v.transform((text) =>
      /^\d+$/.test(text) ? Math.min(Number(text) || byDefault, Number.MAX_SAFE_INTEGER) : byDefault,
    ),
    v.description('A text that is not a whole number, and a number below 1, count as the default.'),
  );

const pageSize = (byDefault: number, max: number) =>
  v.pipe(
    pageNumber(byDefault),
    v.transform((size) => Math.min(size, max)),
  );

const PageSize = pageSize(limits.DEFAULT_PAGE_SIZE, limits.MAX_PAGE_SIZE);

/**
 * A page of a list. A request without a page and a size gets MAX_LISTED_USERS or MAX_LISTED_ROOMS items (limits.ts).
 */
export const ListPage = v.object({
  page: v.optional(v.pipe(pageNumber(1), v.maxValue(limits.MAX_LIST_PAGE))),
  size: v.optional(PageSize),
});
export type ListPage = v.InferOutput<typeof ListPage>;

const SeqParameter = v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number), v.maxValue(Number.MAX_SAFE_INTEGER));

/** A page of a history by its number, or the messages before or after a seq. */
export const HistoryPage = v.pipe(
  v.object({
    page: v.optional(pageNumber(1)),
    before: v.optional(SeqParameter),
    after: v.optional(SeqParameter),
    size: v.optional(PageSize, `${limits.DEFAULT_PAGE_SIZE}`),
  }),
  v.check(
    ({ page, before, after }) => [page, before, after].filter((each) => each !== undefined).length <= 1,
    'use one of page, before and after',
  ),
);
export type HistoryPage = v.InferOutput<typeof HistoryPage>;

/** All messages of a room after a seq. */
export const EventsPage = v.object({
  after: v.optional(SeqParameter, '0'),
  size: v.optional(pageSize(limits.DEFAULT_EVENTS_SIZE, limits.MAX_EVENTS_SIZE), `${limits.DEFAULT_EVENTS_SIZE}`),
});
export type EventsPage = v.InferOutput<typeof EventsPage>;
