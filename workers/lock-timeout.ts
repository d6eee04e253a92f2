/** Milliseconds that a statement of a batch waits for a lock. Longer than a full batch of another worker takes. */
export const LOCK_TIMEOUT_MS = 100;
/**
 * The same for the rooms and users in the first statement of a batch. Then the worker looks who has locked them. Meanwhile
 * the whole lane waits, and every batch that needs one of the rooms that this batch has locked.
 */
export const FIRST_ROW_WAIT_MS = 20;

/** The SQLSTATE of a statement that did not get a lock in time. */
const LOCK_NOT_AVAILABLE = '55P03';

/** True for the error of a statement that did not get a lock in time. The statement had no effect. */
export function isLockTimeout(error: unknown): boolean {
  return (error as { code?: unknown }).code === LOCK_NOT_AVAILABLE;
}
