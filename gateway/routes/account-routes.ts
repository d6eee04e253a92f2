import { Refusal } from '../../shared/contract/errors.ts';
import type {
  Login,
  LoginWithOtp,
  OtpMail,
  Registration,
  RegistrationWithOtp,
} from '../../shared/contract/requests.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import { authenticate } from '../http/authenticate.ts';
import type { OpenRequest } from '../http/route.ts';
import type { Credentials } from '../reads/session-reads.ts';
import { submitAccountChange } from './submit.ts';
import { readChangedUser } from './user-routes.ts';

/** Makes an account. The new user is a member of the two rooms that always exist: general and announcements. */
export async function register(
  gateway: GatewayContext,
  { body, address }: OpenRequest & { body: Registration },
): Promise<string> {
  await gateway.rateLimits.countRegistration(address);
  return createAccount(gateway, body, await gateway.passwords.hash(body.password, address), false);
}

/** Makes an account, like {@link register}. The one-time password proves that the e-mail address is the user's own. */
export async function registerWithOtp(
  gateway: GatewayContext,
  { body, address }: OpenRequest & { body: RegistrationWithOtp },
): Promise<string> {
  const { otp, ...person } = body;
  const passwordHash = await gateway.rateLimits.guardOtp(address, async () => {
    // The hash comes first. If it is refused as `busy`, the one-time password can still be used later.
    const hash = await gateway.passwords.hash(person.password, address);
    await gateway.otpCheck.consume({ purpose: 'register', email: person.email }, otp);
    return hash;
  });
  return createAccount(gateway, person, passwordHash, true);
}

/** Returns an access token. */
export function login(
  gateway: GatewayContext,
  { body, address }: OpenRequest & { body: Login },
): Promise<{ token: string }> {
  return issueToken(gateway, body.email, address, () => checkPassword(gateway, body, address));
}

/** Returns an access token. The caller needs the password and a mailed one-time password. */
export function loginWithOtp(
  gateway: GatewayContext,
  { body, address }: OpenRequest & { body: LoginWithOtp },
): Promise<{ token: string }> {
  const { email, otp } = body;
  return issueToken(gateway, email, address, async () => {
    // The password comes first, so a caller without the password cannot use up the tries of a one-time password.
    const account = await checkPassword(gateway, body, address);
    await gateway.rateLimits.guardOtp(address, () => gateway.otpCheck.consume({ purpose: 'login', email }, otp));
    return account;
  });
}

/**
 * Asks a worker to mail a one-time password. The body can name a purpose. If it does not, the purpose is `update` for a
 * request with a valid token. For other requests, the worker chooses `login` or `register`. The answer is the same for
 * every e-mail address, so it does not show which accounts exist.
 */
export async function sendOtp(
  gateway: GatewayContext,
  { headers, address, body }: OpenRequest & { body: OtpMail },
): Promise<{ message: string }> {
  const { email, purpose } = body;
  const mayBeUpdate = purpose === undefined || purpose === 'update';
  const userId = mayBeUpdate ? await findUserForUpdate(gateway, headers, purpose) : undefined;
  await gateway.rateLimits.countOtpMail(email, address);
  await gateway.otpRequests.add({ email, purpose: userId ? 'update' : purpose, userId });
  return { message: 'otp sent' };
}

async function createAccount(
  gateway: GatewayContext,
  { password: _, ...person }: Registration,
  passwordHash: string,
  proven: boolean,
): Promise<string> {
  const id = await submitAccountChange(gateway, { command: 'Register', ...person, passwordHash, proven });
  return readChangedUser(gateway, id, id);
}

/** Checks a login within the limits of logins, and signs a token for its user. */
async function issueToken(
  { rateLimits, passwords, tokens }: GatewayContext,
  email: string,
  address: string,
  check: () => Promise<Credentials>,
): Promise<{ token: string }> {
  // This check comes before any read or count, so that a refusal costs little when there are too many logins.
  passwords.checkCapacity(address);
  const { id, tokenVersion } = await rateLimits.guardLogin(email, address, check);
  return { token: await tokens.sign(id, tokenVersion) };
}

/** @throws Refusal `busy`, `rate_limited` or `wrong_credentials`. An unknown account and a wrong password take the same time. */
async function checkPassword(
  gateway: GatewayContext,
  { email, password }: Login,
  address: string,
): Promise<Credentials> {
  const account = await gateway.reads.credentials(email);
  const { isRight, isOld } = await gateway.passwords.verify(account?.passwordHash, password, address);
  if (!account || !isRight) throw new Refusal('wrong_credentials');
  if (isOld) void renewHash(gateway, account, password, address);
  return account;
}

/** Stores a hash with the current parameters. If this fails, the next login tries again. */
async function renewHash(
  { dispatcher, passwords, log }: GatewayContext,
  account: Credentials,
  password: string,
  address: string,
): Promise<void> {
  const { id: userId, passwordHash: formerHash } = account;
  try {
    const passwordHash = await passwords.hash(password, address);
    await dispatcher.changeAccount({ command: 'RehashPassword', userId, formerHash, passwordHash });
  } catch (error) {
    log.debug({ error, userId }, 'the hash of a password could not be renewed');
  }
}

/**
 * Finds the user of the token, for the purpose `update`. Clients of the original Go server send a token with every
 * request, even an expired or revoked token. If the body has no purpose, such a token is ignored.
 */
async function findUserForUpdate(
  gateway: GatewayContext,
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
