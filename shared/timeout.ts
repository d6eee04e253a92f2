/**
 * Waits for an answer so long and no longer. A driver can lose a connection without a word, and whoever waited on it
 * would wait for ever.
 * @param most milliseconds
 * @throws Error when the time is over; what was asked may still be done
 */
export async function withTimeout<T>(answer: Promise<T>, most: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer in ${most} ms`)), most);
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}
