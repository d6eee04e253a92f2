// The forms to register and to log in. Both need a code that the server mails.

import { call } from './server.js';

/** @param onLogin is called when the token is in the local storage */
export function showAccountForms(onLogin) {
  document.querySelector('#account').hidden = false;
  for (const form of document.querySelectorAll('#account form')) {
    form.querySelector('[type=button]').onclick = () => sendCode(form);
    form.onsubmit = (event) => submit(event, onLogin);
  }
}

async function sendCode(form) {
  const { message } = await call('POST', 'users/send-otp', { email: form.elements.email.value, error: null });
  form.querySelector('output').value = message;
}

async function submit(event, onLogin) {
  event.preventDefault();
  const form = event.target;
  // A form of the original also sends its own field for the error text.
  const values = { ...Object.fromEntries(new FormData(form)), error: null };
  const { token } = await call('POST', form.dataset.path, values);
  form.querySelector('output').value = 'done';
  if (!token) return;
  localStorage.setItem('token', token);
  document.querySelector('#account').hidden = true;
  onLogin();
}
