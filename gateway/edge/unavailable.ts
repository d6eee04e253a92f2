import { Refusal } from '../../shared/contract/errors.ts';

/** For what cannot be done without a service. @throws Refusal `unavailable` when it does not answer */
export async function orUnavailable<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new Refusal('unavailable', { cause: error });
  }
}
