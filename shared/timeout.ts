/**
 * Waits for an answer until a timeout. A driver can lose a connection without an error, and its caller would wait without end.
 * @throws Error after the timeout. What the caller asked for may still happen.
 */
export async function withTimeout<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}
