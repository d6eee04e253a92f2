import type { Config } from '../../shared/config.ts';

/** What browsers are told with every answer. */
export interface Cors {
  /** Whether pages of this origin may use Rooms; one that names none is no browser's. */
  allows(origin: string | undefined): boolean;
  headers(origin: string | undefined): Record<string, string>;
  /** What a browser may send, asked before it does. */
  readonly preflight: Record<string, string>;
}

const security = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

/** From `CORS_ORIGIN`: everyone, who is then never sent as himself (no credentials), or a list. */
export function createCors({ CORS_ORIGIN, ENVIRONMENT }: Config<'CORS_ORIGIN' | 'ENVIRONMENT'>): Cors {
  const everyone = CORS_ORIGIN.includes('*');
  const always = {
    ...security,
    'Access-Control-Expose-Headers': 'Retry-After',
    ...(ENVIRONMENT === 'production' && { 'Strict-Transport-Security': 'max-age=31536000; includeSubDomains' }),
    ...(everyone ? { 'Access-Control-Allow-Origin': '*' } : { Vary: 'Origin' }),
  };
  const allows = (origin: string | undefined) => everyone || !origin || CORS_ORIGIN.includes(origin);
  return {
    allows,
    headers: (origin) =>
      everyone || !origin || !allows(origin)
        ? always
        : { ...always, 'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true' },
    preflight: {
      'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE',
      'Access-Control-Allow-Headers': 'Authorization, Content-Type, Idempotency-Key',
      'Access-Control-Max-Age': '7200',
    },
  };
}
