/** What the broken clients of the tests do differently. */
export interface Faults {
  /** Makes a new ref for each sending. */
  forgetsRefs?: boolean;
  /** Takes each message, whatever its seq is. */
  ignoresGaps?: boolean;
  /** Takes the `seq` of `Welcome` as the position of a room, before the replay. */
  trustsWelcome?: boolean;
  /** Sends a command again after every refusal. */
  retriesRefusals?: boolean;
}
