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

/** Makes the refusal of an HTTP answer. An answer that is not from Rooms, such as one of a proxy, is `unavailable`. */
export async function refusedBy(response: Response): Promise<Refused> {
  const { code, ...details } = (await response.json().catch(() => ({}))) as Partial<ErrorFrame>;
  const retryAfter = Number(response.headers.get('retry-after'));
  return code ? new Refused(code, { ...details, retryAfter }) : new Refused('unavailable', { retry: 'same_ref' });
}
