import { Refusal } from '../../shared/contract/errors.ts';

/** Handles an HTTP request to the path of the socket without an upgrade. @throws Refusal `upgrade_needed`, always */
export function upgradeNeeded(): never {
  throw new Refusal('upgrade_needed');
}
