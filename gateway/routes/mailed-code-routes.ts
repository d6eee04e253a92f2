import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MailedCode } from '../../shared/contract/answers.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import { mailFileOf } from '../../shared/mail-files.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import type { OpenRequest } from '../http/route.ts';

/** What the page must know before a user logs in. */
export function settings({ config }: GatewayContext): { showsCodes: boolean } {
  return { showsCodes: config.CAUGHT_MAILS !== undefined };
}

/**
 * The newest code that was mailed to an e-mail address, if there is one. Only a gateway that `npm start` has started in
 * `dev` has this route.
 * @throws Refusal `no_such_route`
 */
export async function mailedCodes(
  { config }: GatewayContext,
  { parameters }: OpenRequest & { parameters: { email: string } },
): Promise<MailedCode[]> {
  const folder = config.CAUGHT_MAILS;
  if (folder === undefined) throw new Refusal('no_such_route');
  // Before the first mail there is no folder.
  const names = await readdir(folder).catch(() => []);
  const ofAddress = names.map(mailFileOf).filter((file) => file?.isTo(parameters.email));
  const newest = ofAddress.toSorted((a, b) => (a && b && a.sentAt > b.sentAt ? -1 : 1))[0];
  if (!newest) return [];
  const code = /\b(\d{6}) is your code/.exec(await readFile(join(folder, newest.name), 'utf8'))?.[1];
  return code ? [{ code, sentAt: newest.sentAt }] : [];
}
