import { Http } from '../../../shared/client/http.ts';
import type { StoredSession } from './stored-session.ts';

// The requests of a person who is not logged in.

export interface Login {
  email: string;
  password: string;
}

export interface Registration extends Login {
  firstName: string;
  lastName: string;
}

/** A registration with a mailed code. */
export interface ProvenRegistration extends Registration {
  phone: string;
  otp: string;
}

const url = location.origin;
const http = new Http({ url, token: '' });

/** @throws Refused `wrong_credentials` */
export async function logIn({ email, password }: Login): Promise<StoredSession> {
  const { body } = await http.request<{ token: string }>('POST', '/api/users/login', { email, password });
  const { token } = body;
  const current = await new Http({ url, token }).request<{ id: string }>('GET', '/api/users/current');
  return { token, userId: current.body.id };
}

/** @throws Refused, also `email_unproven`: then the person needs a code */
export async function register(registration: Registration): Promise<StoredSession> {
  await http.request('POST', '/api/users/register', registration);
  return logIn(registration);
}

/** @throws Refused, also `wrong_otp` */
export async function registerWithCode(registration: ProvenRegistration): Promise<StoredSession> {
  await http.request('POST', '/api/users/register-otp', registration);
  return logIn(registration);
}

export async function mailRegistrationCode(email: string): Promise<void> {
  await http.request('POST', '/api/users/send-otp', { email, purpose: 'register' });
}
