import { Refusal } from '../../shared/contract/errors.ts';

/** For an answer of a service that the caller cannot do without. @throws Refusal `unavailable` if the service fails */
export async function orUnavailable<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new Refusal('unavailable', { cause: error });
  }
}
