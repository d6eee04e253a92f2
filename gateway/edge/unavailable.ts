import { Refusal } from '../../shared/contract/errors.ts';

/** Waits for an answer of Redis or Postgres. @throws Refusal `unavailable` instead of the error of the service */
export async function orUnavailable<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new Refusal('unavailable', { cause: error });
  }
}
