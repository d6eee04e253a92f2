import * as v from 'valibot';
import { Refusal } from '../../shared/contract/errors.ts';
import { Email, Password, PersonName, Phone } from '../../shared/contract/fields.ts';
import { Otp, OtpPurpose } from '../../shared/contract/otps.ts';
import type { Gateway } from '../gateway.ts';
import type { Handler, Request, Response } from '../http/http.ts';
import type { Credentials } from '../reads/session-reads.ts';
import { authenticate } from './authenticated.ts';
import { changeAccount } from './submit.ts';
import { answerUser } from './user-routes.ts';

const Person = { firstName: PersonName, lastName: PersonName, email: Email, password: Password };
const Registration = v.strictObject({ ...Person, phone: v.optional(Phone) });
const ProvenRegistration = v.strictObject({ ...Person, phone: Phone, otp: Otp });
const Login = v.strictObject({ email: Email, password: Password });
const ProvenLogin = v.strictObject({ ...Login.entries, otp: Otp });
const OtpSending = v.strictObject({ email: Email, purpose: v.optional(OtpPurpose) });

/** `POST /api/users/register`: a new account, in the rooms that are for everyone. */
export const register =
  (gateway: Gateway): Handler =>
  async ({ body, address }) => {
    const person = await body(Registration);
    await gateway.limits.registration(address);
    return createAccount(gateway, person, await gateway.passwords.hash(person.password), false);
  };

/** `POST /api/users/register-otp`: the same, by who reads the mail of that address. */
export const registerWithOtp =
  (gateway: Gateway): Handler =>
  async ({ body, address }) => {
    const { otp, ...person } = await body(ProvenRegistration);
    const passwordHash = await gateway.limits.code(address, async () => {
      // Before the code is used up: this may be refused as busy, and then the code is to be good still.
      const hash = await gateway.passwords.hash(person.password);
      await gateway.otps.take({ purpose: 'register', email: person.email }, otp);
      return hash;
    });
    return createAccount(gateway, person, passwordHash, true);
  };

/** `POST /api/users/login`: an access token. */
export const login =
  (gateway: Gateway): Handler =>
  async ({ body, address }) => {
    const { email, password } = await body(Login);
    return logIn(gateway, email, address, () => checkPassword(gateway, email, password));
  };

/** `POST /api/users/login-otp`: an access token, by who knows the password and reads the mail. */
export const loginWithOtp =
  (gateway: Gateway): Handler =>
  async ({ body, address }) => {
    const { email, password, otp } = await body(ProvenLogin);
    return logIn(gateway, email, address, async () => {
      // In this order, so that nobody without the password can use up the tries of a code.
      const account = await checkPassword(gateway, email, password);
      await gateway.limits.code(address, () => gateway.otps.take({ purpose: 'login', email }, otp));
      return account;
    });
  };

/**
 * `POST /api/users/send-otp`: mails a code. Without a purpose it is for `update` where a token is shown, else for what
 * the address lacks or has: an account. The answer is the same whatever becomes of it.
 */
export const sendOtp =
  (gateway: Gateway): Handler =>
  async (request) => {
    const { email, purpose } = await request.body(OtpSending);
    const userId =
      purpose === undefined || purpose === 'update' ? await whoUpdates(gateway, request, purpose) : undefined;
    await gateway.limits.otp(email, request.address);
    await gateway.otpRequests.add({ email, purpose: userId ? 'update' : purpose, userId });
    return { status: 200, body: { message: 'otp sent' } };
  };

async function createAccount(
  gateway: Gateway,
  { password: _, ...person }: v.InferOutput<typeof Registration>,
  passwordHash: string,
  proven: boolean,
): Promise<Response> {
  const id = await changeAccount(gateway, { command: 'Register', ...person, passwordHash, proven });
  return answerUser(gateway, id, id, 201);
}

async function logIn(
  { limits, passwords, tokens }: Gateway,
  email: string,
  address: string,
  check: () => Promise<Credentials>,
): Promise<Response> {
  // Before anything is asked or counted: in a storm most are refused, and that has to cost next to nothing.
  if (passwords.isBusy) throw new Refusal('busy');
  const { id, tokenVersion } = await limits.login(email, address, check);
  return { status: 200, body: { token: await tokens.sign(id, tokenVersion) } };
}

/** @throws Refusal `wrong_credentials`, in the same time whether or not there is such an account; `busy` */
async function checkPassword(gateway: Gateway, email: string, password: string): Promise<Credentials> {
  const account = await gateway.reads.credentials(email);
  const { isRight, isOld } = await gateway.passwords.verify(account?.passwordHash, password);
  if (!account || !isRight) throw new Refusal('wrong_credentials');
  if (isOld) void renewHash(gateway, account, password);
  return account;
}

/** Some time soon; if it cannot be done now, the next login does it. */
async function renewHash({ commands, passwords, log }: Gateway, account: Credentials, password: string): Promise<void> {
  const { id: userId, passwordHash: formerHash } = account;
  try {
    const passwordHash = await passwords.hash(password);
    await commands.changeAccount({ command: 'RehashPassword', userId, formerHash, passwordHash });
  } catch (error) {
    log.debug({ error, userId }, 'a hash was not renewed');
  }
}

/** Old clients show a token with everything, one that has ended, too: unless it is asked for, that counts as none. */
async function whoUpdates(gateway: Gateway, request: Request, purpose: 'update' | undefined) {
  try {
    return (await authenticate(gateway, request)).userId;
  } catch (error) {
    if (error instanceof Refusal && error.code !== 'unavailable' && !purpose) return undefined;
    throw error;
  }
}
