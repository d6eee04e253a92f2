import type { Config } from '../../shared/config.ts';

/** The headers for browsers: who may read an answer, and how the browser must treat it. */
export interface Cors {
  /** Whether pages of this origin may use Rooms. A request without an origin does not come from a page. */
  allows(origin: string | undefined): boolean;
  headers(origin: string | undefined): Record<string, string>;
  /** The answer to a preflight request: what a browser may send. */
  readonly preflight: Record<string, string>;
}

const securityHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

/** @param config `CORS_ORIGIN` is `*` (every page, but without credentials) or a list of origins */
export function createCors({ CORS_ORIGIN, ENVIRONMENT }: Config<'CORS_ORIGIN' | 'ENVIRONMENT'>): Cors {
  const allowsAll = CORS_ORIGIN.includes('*');
  const always = {
    ...securityHeaders,
    'Access-Control-Expose-Headers': 'Retry-After',
    ...(ENVIRONMENT === 'production' && { 'Strict-Transport-Security': 'max-age=31536000; includeSubDomains' }),
    ...(allowsAll ? { 'Access-Control-Allow-Origin': '*' } : { Vary: 'Origin' }),
  };
  const allows = (origin: string | undefined) => allowsAll || !origin || CORS_ORIGIN.includes(origin);
  return {
    allows,
    headers: (origin) =>
      allowsAll || !origin || !allows(origin)
        ? always
        : { ...always, 'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true' },
    preflight: {
      'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE',
      'Access-Control-Allow-Headers': 'Authorization, Content-Type, Idempotency-Key',
      'Access-Control-Max-Age': '7200',
    },
  };
}
