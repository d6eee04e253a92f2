import { Refusal } from '../../shared/contract/errors.ts';

/** Answers a plain HTTP request to the path of the socket. @throws Refusal `upgrade_needed` */
export function upgradeNeeded(): never {
  throw new Refusal('upgrade_needed');
}
