import * as v from 'valibot';
import { Email, Password, PersonName } from '../../shared/commands.ts';
import { Refusal } from '../../shared/errors.ts';
import { newId } from '../../shared/ids.ts';
import type { Gateway } from '../gateway.ts';
import type { Handler } from '../http.ts';
import { hashPassword, verifyPassword } from '../passwords.ts';
import { authenticated } from './authenticated.ts';

const Registration = v.strictObject({ firstName: PersonName, lastName: PersonName, email: Email, password: Password });
const Login = v.strictObject({ email: Email, password: Password });

/** `POST /api/users/register`: a new account, in the rooms that are for everyone. */
export const register =
  ({ commands, reads }: Gateway): Handler =>
  async (request) => {
    const { password, ...person } = await request.body(Registration);
    const outcome = await commands.register({ ...person, id: newId(), passwordHash: await hashPassword(password) });
    if ('code' in outcome) throw new Refusal(outcome.code);
    return { status: 201, body: await reads.user(outcome.id) };
  };

/** `POST /api/users/login`: an access token. */
export const login =
  ({ reads, tokens }: Gateway): Handler =>
  async (request) => {
    const { email, password } = await request.body(Login);
    const account = await reads.credentials(email);
    const right = await verifyPassword(account?.passwordHash, password);
    if (!account || !right) throw new Refusal('wrong_credentials');
    return { status: 200, body: { token: await tokens.sign(account.id) } };
  };

/** `GET /api/users/current` */
export const currentUser = (gateway: Gateway) =>
  authenticated(gateway, async (_, userId) => {
    const user = await gateway.reads.user(userId);
    if (!user) throw new Refusal('bad_token');
    return { status: 200, body: user };
  });
