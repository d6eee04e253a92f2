import type { ErrorFrame, Retry } from './protocol.ts';

type Details = Partial<Pick<ErrorFrame, 'error' | 'retry' | 'retryAfter' | 'field' | 'bound'>>;

/** What a gateway refused, or what the client refuses before it sends anything. `code` is for programs. */
export class Refused extends Error {
  readonly code: string;
  readonly retry: Retry;
  /** Seconds after which a retry may succeed. */
  readonly retryAfter: number | undefined;
  /** The field of the input that is wrong, and the limit that it breaks. */
  readonly field: string | undefined;
  readonly bound: number | undefined;

  constructor(code: string, { error = code, retry = 'no', retryAfter, field, bound }: Details = {}) {
    super(error);
    this.code = code;
    this.retry = retry;
    this.retryAfter = retryAfter;
    this.field = field;
    this.bound = bound;
  }
}

/** Makes the refusal of an HTTP answer. An answer without `retry` is not from Rooms: a proxy may answer for a gateway. */
export async function refusedBy(response: Response): Promise<Refused> {
  const details = (await response.json().catch(() => ({}))) as Partial<ErrorFrame>;
  const { code, retry } = details;
  const retryAfter = Number(response.headers.get('retry-after')) || 0;
  // A page that is no answer of Rooms at all says nothing about the request.
  if (!code) return new Refused('unavailable', { retry: 'same_ref', retryAfter });
  return new Refused(code, { ...details, retry: retry ?? retryOf(response.status), retryAfter });
}

function retryOf(status: number): Retry {
  if (status === 401) return 'after_login';
  return status === 429 || status >= 500 ? 'same_ref' : 'no';
}
