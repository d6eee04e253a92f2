import { type Config, isDev } from '../../shared/config.ts';
import { type HeaderLines, toHeaderLines } from './header-lines.ts';
import { RATE_HEADERS } from './rate-headers.ts';

/** The header of a history: the page has every change up to this seq of the room. */
export const ROOMS_SEQ = 'Rooms-Seq';

/** The headers of an answer that browsers obey: CORS and security headers. */
export interface Cors {
  /** True if pages of this origin may call the gateway, or if the request has no origin: no page has sent it. */
  allows(origin: string | undefined): boolean;
  headers(origin: string | undefined): HeaderLines;
  /** The headers of the answer to a preflight request. */
  readonly preflight: HeaderLines;
}

const securityHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

/** @param config `CORS_ORIGIN` is a list of origins, or `*` for pages of every origin, but without credentials */
export function createCors({ CORS_ORIGIN, ENVIRONMENT }: Config<'CORS_ORIGIN' | 'ENVIRONMENT'>): Cors {
  const allowsAll = CORS_ORIGIN.includes('*');
  const always = {
    ...securityHeaders,
    'Access-Control-Expose-Headers': ['Retry-After', ROOMS_SEQ, ...RATE_HEADERS].join(', '),
    ...(!isDev(ENVIRONMENT) && { 'Strict-Transport-Security': 'max-age=31536000; includeSubDomains' }),
    ...(allowsAll ? { 'Access-Control-Allow-Origin': '*' } : { Vary: 'Origin' }),
  };
  const headersOf = (origin: string) =>
    toHeaderLines({ ...always, 'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true' });
  const ofOrigin = new Map(allowsAll ? [] : CORS_ORIGIN.map((origin) => [origin, headersOf(origin)]));
  const ofOthers = toHeaderLines(always);
  const allows = (origin: string | undefined) => allowsAll || !origin || CORS_ORIGIN.includes(origin);
  return {
    allows,
    headers: (origin) => ofOrigin.get(origin ?? '') ?? ofOthers,
    preflight: toHeaderLines({
      'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE',
      'Access-Control-Allow-Headers': 'Authorization, Content-Type, Idempotency-Key',
      'Access-Control-Max-Age': '7200',
    }),
  };
}
