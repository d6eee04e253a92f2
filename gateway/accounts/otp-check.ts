import type { Redis } from 'ioredis';
import { Refusal } from '../../shared/contract/errors.ts';
import { type OtpSubject, otpNames } from '../../shared/contract/otps.ts';
import { orUnavailable } from '../edge/unavailable.ts';

/** Redis runs this as one step. If several requests send the same one-time password, only one request gets 1. */
const CONSUME = `
local hash = redis.call('hget', KEYS[1], 'hash')
if not hash then return 0 end
if hash == ARGV[1] then
  redis.call('del', KEYS[1])
  return 1
end
if redis.call('hincrby', KEYS[1], 'tries', -1) <= 0 then redis.call('del', KEYS[1]) end
return 0`;

export interface OtpCheck {
  /**
   * Checks a one-time password. A right one-time password works only once. A wrong one uses up one of the tries.
   * @throws Refusal `wrong_otp` or `unavailable`
   */
  consume(subject: OtpSubject, otp: string): Promise<void>;
}

/** Checks the one-time passwords that the otp-email worker mailed. @param secret `API_SECRET` */
export function createOtpCheck(redis: Redis, prefix: string, secret: string): OtpCheck {
  const names = otpNames(prefix, secret);
  return {
    async consume(subject, otp) {
      const consumed = await orUnavailable(redis.eval(CONSUME, 1, names.key(subject), names.hash(subject, otp)));
      if (consumed !== 1) throw new Refusal('wrong_otp');
    },
  };
}
