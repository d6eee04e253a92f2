/**
 * The limits that are fixed in the code, each in one place. The limits that an operator sets are environment variables
 * (shared/config.ts). docs/configuration.md lists both, and a test compares the lists.
 */
export const limits = {
  // Input. A character is a Unicode code point, as in Postgres. Spaces before and after a name are removed first.
  MIN_NAME_CHARACTERS: 3,
  MAX_NAME_CHARACTERS: 50,
  MIN_PHONE_CHARACTERS: 8,
  MAX_PHONE_CHARACTERS: 10,
  MIN_TEXT_CHARACTERS: 1,
  MAX_TEXT_CHARACTERS: 500,
  MIN_PASSWORD_CHARACTERS: 8,
  /** Argon2 reads the whole password, so a long password would cost more CPU time. */
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
  DEFAULT_PAGE_SIZE: 20,
  MAX_EVENTS_SIZE: 500,
  DEFAULT_EVENTS_SIZE: 100,
  /** The users in the answer to a request without a page and a size. Clients take the names of authors from it. */
  MAX_LISTED_USERS: 400,
  /** The rooms in the answer to a request without a page and a size. */
  MAX_LISTED_ROOMS: 100,
  /** The last page of a list. Each page costs more than the page before it. */
  MAX_LIST_PAGE: 100,
  MAX_SEARCH_RESULTS: 50,
  /** The users in the record of one room. */
  MAX_USERS_OF_ROOM: 100,
  /** The users in the record of each room of a list, also of the rooms in the record of a user. */
  MAX_USERS_OF_LISTED_ROOM: 10,
  MAX_ROOMS_OF_USER: 100,
  /** The users in the records of all rooms of a list together. A long list shows fewer users of each room. */
  MAX_USERS_OF_LISTED_ROOMS: 200,
  /** An answer about users or rooms ends before this number of bytes. Pages with a smaller size are complete. */
  MAX_LIST_BYTES: 100_000,

  // Rates. A limit per LOGIN_WINDOW is LOGIN_ATTEMPTS multiplied by one of these factors. An IP address
  // is known to an account for 30 days after a login from there.
  /** Wrong passwords for one account from all unknown IP addresses, and from one IP address for all accounts. */
  LOGIN_ATTEMPTS_FACTOR: 10,
  /** One-time passwords that all unknown IP addresses together may request for one e-mail address. */
  OTP_MAILS_FACTOR: 2,
  /** One-time passwords that one IP address may request, for all e-mail addresses together. */
  OTP_MAILS_OF_ADDRESS_FACTOR: 10,
  /** Wrong one-time passwords that one IP address may send. */
  WRONG_OTPS_FACTOR: 2,
  /** Searches of one user. A client may search after each letter that the user types. */
  SEARCHES_FACTOR: 40,

  // Other limits on attempts and on sockets.
  /** After this number of wrong tries, a one-time password is not valid any more. */
  MAX_OTP_TRIES: 5,
  /**
   * Frames per second that all sockets of a user on a gateway may send together, as a multiple of SOCKET_RATE. A socket
   * that sends more is closed.
   */
  FRAMES_PER_COMMAND: 4,
  /** After a pause, a socket may send the commands of this number of seconds together. */
  BURST_SECONDS: 4,
  /** The window of USER_RATE: a user may send the commands of this number of seconds together. */
  USER_WINDOW_SECONDS: 5,

  // Reads on one gateway. Further reads of a user wait, and too many waiting reads are refused as `too_many_reads`.
  /** Lists and records of users and rooms that are read at the same time, for all users together. */
  MAX_LISTS_AT_ONCE: 4,
  MAX_LISTS_OF_USER_AT_ONCE: 2,
  MAX_HISTORIES_OF_USER_AT_ONCE: 8,
  MAX_WAITING_READS_OF_USER: 64,
  /** Statements that wait for one of the connections to Postgres. One more read is refused as `busy`. */
  MAX_WAITING_STATEMENTS: 500,

  /** Descriptors of a gateway that are not for connections of clients: Postgres, Redis, files. */
  RESERVED_DESCRIPTORS: 64,

  // Queues inside a gateway. While a queue is full, a new command or password is refused as `busy`.
  MAX_BATCH_COMMANDS: 1_000,
  /** A text with an `@` takes the place of this number of commands, because the statement looks up its names. */
  MENTION_COST: 20,
  /** With fewer waiting commands, a lane waits for the reply to its first batch before it sends a second one. */
  MIN_SECOND_BATCH_COMMANDS: 500,
  MAX_WAITING_COMMANDS: 10_000,
  /** In one lane. A user with more waiting commands gets `busy`, and the other users do not. */
  MAX_WAITING_COMMANDS_OF_USER: 1_000,
  // A socket attaches when it has authenticated and its rooms are read. Then its commands are sent.
  MAX_ATTACHING_SOCKETS: 10_000,
  MAX_UNATTACHED_COMMANDS: 10_000,
  MAX_UNATTACHED_OF_SOCKET: 100,
  /** The size of the frames with these commands. */
  MAX_UNATTACHED_MEGABYTES: 16,
  /** The records of messages that a gateway keeps for clients that come back soon, in millions of characters. */
  MAX_RECENT_MEGABYTES: 32,
  /** Rooms without a member on a gateway that it still follows for a minute. */
  MAX_LINGERING_ROOMS: 10_000,
  // A socket that resumes (resume.ts).
  /** The rooms in all `Resume` frames of a socket together. */
  MAX_RESUMED_ROOMS: 20_000,
  /** The messages of one room that a socket gets after `Resume`. If more are missing, it gets `Resync`. */
  MAX_REPLAYED_MESSAGES: 100_000,
  // Marks of read messages that are not sent to the workers yet (gateway/commands/read-marks.ts).
  MAX_WAITING_MARKS: 20_000,
  MAX_WAITING_MARKS_OF_USER: 1_000,
  // Who is online and who types (people.ts).
  /** The rooms that one socket watches. */
  MAX_WATCHED_ROOMS: 20,
  /** The users in one list of a `Presence` frame. */
  MAX_SHOWN_USERS: 100,
  /** The users in one `Typing` frame. */
  MAX_SHOWN_TYPISTS: 10,
  /** With more pending commands, a gateway drops `Typing` frames. */
  MAX_COMMANDS_WITH_TYPING: 2_000,
  /** HTTP requests without an answer. */
  MAX_PENDING_REQUESTS: 2_000,
  MAX_HASHES_AT_ONCE: 2,
  MAX_WAITING_HASHES: 64,
  /** Passwords of one address that wait until it has fewer than HASHES_PER_ADDRESS in the queue. */
  MAX_WAITING_HASHES_OF_ADDRESS: 8,
  /** Passwords of one /48 network that are hashed or wait, as a multiple of HASHES_PER_ADDRESS. */
  HASHES_OF_NETWORK_FACTOR: 10,
} as const;
