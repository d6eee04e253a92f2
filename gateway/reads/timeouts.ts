/** Postgres cancels a statement that takes longer. */
export const STATEMENT_TIMEOUT_MS = 5_000;
/** A read that waits longer for a connection is refused. */
export const MAX_STATEMENT_WAIT_MS = 2_000;
/** A read without an answer for this time has lost its connection, because Postgres would have cancelled it earlier. */
export const READ_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 2_000;
