/**
 * The limits that are fixed in the code, each in one place. The limits that an operator sets are environment variables
 * (shared/config.ts). docs/configuration.md lists both, and a test compares the lists.
 */
export const limits = {
  // Input. A character is a Unicode code point, as Postgres counts. Spaces around a name do not count.
  MIN_NAME_CHARACTERS: 3,
  MAX_NAME_CHARACTERS: 50,
  MIN_PHONE_CHARACTERS: 8,
  MAX_PHONE_CHARACTERS: 10,
  MIN_TEXT_CHARACTERS: 1,
  MAX_TEXT_CHARACTERS: 500,
  MIN_PASSWORD_CHARACTERS: 8,
  /** Argon2 reads the whole password. The bound keeps its input small. */
  MAX_PASSWORD_CHARACTERS: 200,
  MAX_EMAIL_CHARACTERS: 254,
  /** A search for users needs the first characters of an e-mail. */
  MIN_SEARCH_CHARACTERS: 3,

  // Sizes on the wire.
  MAX_BODY_BYTES: 16 * 1024,
  MAX_FRAME_BYTES: 16 * 1024,
  /** A socket with more unsent bytes is closed: its client reads too slowly. */
  MAX_UNSENT_BYTES: 1024 * 1024,

  // Lists and pages.
  MAX_PAGE_SIZE: 100,
  DEFAULT_PAGE_SIZE: 100,
  DEFAULT_HISTORY_PAGE_SIZE: 10,
  /** The last page of a list. A page costs as much as the rows before it. */
  MAX_LIST_PAGE: 100,
  /** The last page of a history. Every page of a history costs the same. */
  MAX_HISTORY_PAGE: 1_000_000,
  MAX_SEARCH_RESULTS: 50,
  /** The users that one room shows, and that each room of a list shows. */
  MAX_USERS_OF_ROOM: 100,
  MAX_USERS_OF_LISTED_ROOM: 10,
  MAX_ROOMS_OF_USER: 100,

  // Rates: factors on LOGIN_ATTEMPTS per LOGIN_WINDOW, unless the name says otherwise.
  /** Wrong passwords: for one account from all unknown addresses, and from one address for all accounts. */
  LOGIN_ATTEMPTS_FACTOR: 10,
  /** Mailed codes for one account from all unknown addresses. One address gets LOGIN_ATTEMPTS for one account. */
  OTP_MAILS_FACTOR: 2,
  /** Mailed codes that one address asks for, over all accounts. */
  OTP_MAILS_OF_ADDRESS_FACTOR: 10,
  /** Wrong codes that one address may try. */
  WRONG_CODES_FACTOR: 2,
  /** Accounts that one address may make. */
  REGISTRATIONS_FACTOR: 10,
  /** Searches of one user. A person who types causes one search per letter. */
  SEARCHES_FACTOR: 40,
  /** Wrong tries of one one-time password. The last of them ends the code. */
  MAX_OTP_TRIES: 5,
  /** A socket may send this many frames for each command of SOCKET_RATE. */
  FRAMES_PER_COMMAND: 4,
  /** A quiet socket may send this many seconds' worth of commands at once. */
  BURST_SECONDS: 4,

  // Queues inside a gateway. A command or password beyond them is refused as `busy`.
  MAX_BATCH_COMMANDS: 500,
  MAX_WAITING_COMMANDS: 10_000,
  MAX_HASHES_AT_ONCE: 2,
  MAX_WAITING_HASHES: 64,
} as const;
