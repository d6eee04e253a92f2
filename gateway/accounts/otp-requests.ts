import type { Queue } from 'bullmq';
import { OTP_JOB, type OtpRequest } from '../../shared/contract/jobs.ts';
import { PAYLOAD_VERSION } from '../../shared/contract/versions.ts';
import { orUnavailable } from '../edge/unavailable.ts';

/**
 * A mail that fails is tried again after 1, 2, 4 … seconds, for about 8 minutes. A one-time password is valid for 10
 * minutes by default.
 */
const JOB_OPTIONS = {
  attempts: 10,
  backoff: { type: 'exponential', delay: 1_000 },
  removeOnComplete: true,
  removeOnFail: true,
};

export interface OtpRequests {
  /** Puts a request into the queue. A worker sends the mail later. @throws Refusal `unavailable` */
  add(request: Omit<OtpRequest, 'v'>): Promise<void>;
}

/** Asks the otp-email worker to mail one-time passwords. @param queue `otp-email` */
export function createOtpRequests(queue: Queue): OtpRequests {
  return {
    async add(request) {
      await orUnavailable(queue.add(OTP_JOB, { v: PAYLOAD_VERSION, ...request }, JOB_OPTIONS));
    },
  };
}
