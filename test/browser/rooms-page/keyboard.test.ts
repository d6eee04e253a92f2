import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRooms } from './rooms-system.ts';
import { Visitor } from './visitor.ts';

const { browser, urls } = await startRooms();
const ann = await Visitor.open({ browser, url: urls[0], firstName: 'Ann', device: 'desktop' });
const { keyboard } = ann.page;

/** The types of browsers are not among the types of this project, so this is a text. */
const NAME_OF_FOCUSED = `(({ ariaLabel, labels, textContent }) =>
  ariaLabel ?? labels?.[0]?.textContent ?? textContent ?? '')(document.activeElement)`;

/** Presses Tab until the element with this name has the focus. */
async function tabTo(name: string): Promise<void> {
  const seen: string[] = [];
  for (let presses = 0; presses < 30; presses++) {
    await keyboard.press('Tab');
    const focused = await ann.page.evaluate<string>(NAME_OF_FOCUSED);
    if (focused.startsWith(name)) return;
    seen.push(focused);
  }
  assert.fail(`Tab does not reach "${name}", only: ${seen.join(', ')}`);
}

async function typeInto(fields: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(fields)) {
    await tabTo(name);
    await keyboard.type(text);
  }
}

test('the keyboard alone is enough to sign up, make a room, write, edit, delete, rename and log out', async () => {
  await tabTo('New here?');
  await keyboard.press('Enter');
  await typeInto({ 'First name': 'Ann', 'Last name': 'Example', 'E-mail': ann.email, Password: 'correct horse' });
  await keyboard.press('Enter');
  await ann.see('Connected');

  await tabTo('New room');
  await keyboard.press('Enter');
  await ann.seeHeading('New room');
  await keyboard.type('Keys');
  await keyboard.press('Tab');
  await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await ann.seeHeading('Keys');
  assert.equal(await ann.page.getByText('Public', { exact: true }).count(), 1);

  for (const text of ['one', 'two']) {
    await keyboard.type(text);
    await keyboard.press('Enter');
    await ann.seeMessage(text);
  }
  await keyboard.press('ArrowUp');
  await keyboard.press('End');
  await keyboard.type(' and a half');
  await keyboard.press('Enter');
  await ann.see('two and a half (edited)');
  await ann.page.getByText('You change a message.').waitFor({ state: 'detached' });

  // All messages are one tab stop. The arrow keys move inside, and Enter opens the actions.
  await keyboard.press('Shift+Tab');
  await keyboard.press('ArrowUp');
  await keyboard.press('ArrowUp');
  await keyboard.press('Enter');
  await ann.seeHeading('Your message');
  await tabTo('Delete');
  await keyboard.press('Enter');
  await ann.seeHeading('Delete this message?');
  await tabTo('Delete');
  await keyboard.press('Enter');
  await ann.page.locator('.message-deleted').waitFor();
  await ann.seeTexts(['Room created', 'Message deleted', 'two and a half (edited)']);

  await tabTo('Room menu');
  await keyboard.press('Enter');
  await keyboard.press('Enter');
  await ann.seeHeading('Rename the room');
  await keyboard.press('Control+a');
  await keyboard.type('Keys only');
  await keyboard.press('Enter');
  await ann.seeHeading('Keys only');

  await tabTo('Settings');
  await keyboard.press('Enter');
  await ann.see(`Your e-mail is ${ann.email}.`);
  await tabTo('Log out');
  await keyboard.press('Enter');
  await ann.page.getByRole('button', { name: 'Log in' }).waitFor();
  assert.deepEqual(ann.takeFaults(), []);
});
