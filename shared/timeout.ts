/**
 * Waits for an answer, at most for the timeout. Without a timeout a caller could wait without end, because a driver
 * can lose a connection without an error.
 * @param createError makes the error of the timeout
 * @throws Error after the timeout. The request may still have its effect.
 */
export async function withTimeout<T>(
  answer: Promise<T>,
  timeoutMs: number,
  createError: () => Error = () => new Error(`no answer in ${timeoutMs} ms`),
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(createError()), timeoutMs);
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}
