const MAX_CALLS_AT_ONCE = 8;

/** Calls a route of a gateway. @param route such as `POST /api/rooms` @throws Error if the answer is an error */
export async function callApi<T>(url: string, route: string, token?: string, body?: unknown): Promise<T> {
  const [method, path] = route.split(' ') as [string, string];
  const headers = {
    ...(token && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const response = await fetch(`${url}${path}`, {
    method,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Calls `work` with 0 to `count - 1`, at most `atOnce` calls at the same time. @returns the results, by index */
export async function inParallel<T>(
  count: number,
  work: (index: number) => Promise<T>,
  atOnce = MAX_CALLS_AT_ONCE,
): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const callOneByOne = async () => {
    while (next < count) {
      const index = next++;
      results[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, callOneByOne));
  return results;
}
