import type { User } from '../../shared/contract/answers.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import type { Login, OtpMail, ProvenLogin, ProvenRegistration, Registration } from '../../shared/contract/requests.ts';
import type { Gateway } from '../gateway.ts';
import { authenticate } from '../http/authenticate.ts';
import type { OpenRequest } from '../http/route.ts';
import type { Credentials } from '../reads/session-reads.ts';
import { submitAccountChange } from './submit.ts';
import { readUser } from './user-routes.ts';

/** Makes an account. Its user is a member of the two standing rooms. */
export async function register(
  gateway: Gateway,
  { body, address }: OpenRequest & { body: Registration },
): Promise<User> {
  await gateway.rateLimits.countRegistration(address);
  return createAccount(gateway, body, await gateway.passwords.hash(body.password), false);
}

/** As {@link register}. The code proves that the person reads the e-mail. */
export async function registerWithOtp(
  gateway: Gateway,
  { body, address }: OpenRequest & { body: ProvenRegistration },
): Promise<User> {
  const { otp, ...person } = body;
  const passwordHash = await gateway.rateLimits.guardOtp(address, async () => {
    // The hash comes first: it may be refused as `busy`, and then the code must still be usable.
    const hash = await gateway.passwords.hash(person.password);
    await gateway.otpCheck.consume({ purpose: 'register', email: person.email }, otp);
    return hash;
  });
  return createAccount(gateway, person, passwordHash, true);
}

/** Answers an access token. */
export function login(gateway: Gateway, { body, address }: OpenRequest & { body: Login }): Promise<{ token: string }> {
  return issueToken(gateway, body.email, address, () => checkPassword(gateway, body));
}

/** Answers an access token. The caller needs the password and the mailed code. */
export function loginWithOtp(
  gateway: Gateway,
  { body, address }: OpenRequest & { body: ProvenLogin },
): Promise<{ token: string }> {
  const { email, otp } = body;
  return issueToken(gateway, email, address, async () => {
    // The password comes first: without it, nobody can use up the tries of a code.
    const account = await checkPassword(gateway, body);
    await gateway.rateLimits.guardOtp(address, () => gateway.otpCheck.consume({ purpose: 'login', email }, otp));
    return account;
  });
}

/**
 * Asks a worker to mail a one-time password. Without a purpose in the body, the code is for `update` if the request
 * carries a live token. Otherwise the worker chooses `login` or `register`. The answer never depends on the e-mail.
 */
export async function sendOtp(
  gateway: Gateway,
  { headers, address, body }: OpenRequest & { body: OtpMail },
): Promise<{ message: string }> {
  const { email, purpose } = body;
  const needsUser = purpose === undefined || purpose === 'update';
  const userId = needsUser ? await findUserForUpdate(gateway, headers, purpose) : undefined;
  await gateway.rateLimits.countOtpMail(email, address);
  await gateway.otpRequests.add({ email, purpose: userId ? 'update' : purpose, userId });
  return { message: 'otp sent' };
}

async function createAccount(
  gateway: Gateway,
  { password: _, ...person }: Registration,
  passwordHash: string,
  proven: boolean,
): Promise<User> {
  const id = await submitAccountChange(gateway, { command: 'Register', ...person, passwordHash, proven });
  return readUser(gateway, id, id);
}

async function issueToken(
  { rateLimits, passwords, tokens }: Gateway,
  email: string,
  address: string,
  check: () => Promise<Credentials>,
): Promise<{ token: string }> {
  // This check comes before any read or count: in a storm of logins most are refused, and a refusal must be cheap.
  if (passwords.isBusy) throw new Refusal('busy');
  const { id, tokenVersion } = await rateLimits.guardLogin(email, address, check);
  return { token: await tokens.sign(id, tokenVersion) };
}

/** @throws Refusal `busy`, or `wrong_credentials` after the same time whether or not the account exists */
async function checkPassword(gateway: Gateway, { email, password }: Login): Promise<Credentials> {
  const account = await gateway.reads.credentials(email);
  const { isRight, isOld } = await gateway.passwords.verify(account?.passwordHash, password);
  if (!account || !isRight) throw new Refusal('wrong_credentials');
  if (isOld) void renewHash(gateway, account, password);
  return account;
}

/** Stores a hash with today's parameters. If this fails, the next login tries again. */
async function renewHash(
  { dispatcher, passwords, log }: Gateway,
  account: Credentials,
  password: string,
): Promise<void> {
  const { id: userId, passwordHash: formerHash } = account;
  try {
    const passwordHash = await passwords.hash(password);
    await dispatcher.changeAccount({ command: 'RehashPassword', userId, formerHash, passwordHash });
  } catch (error) {
    log.debug({ error, userId }, 'a hash was not renewed');
  }
}

/**
 * Clients of the original send a token with every request, even a token that has ended. Such a token counts as none,
 * unless the body asks for the purpose `update`.
 */
async function findUserForUpdate(
  gateway: Gateway,
  headers: Map<string, string>,
  purpose: 'update' | undefined,
): Promise<string | undefined> {
  try {
    return (await authenticate(gateway, headers)).userId;
  } catch (error) {
    if (error instanceof Refusal && error.code !== 'unavailable' && !purpose) return undefined;
    throw error;
  }
}
