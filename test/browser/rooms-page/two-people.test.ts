import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { runAdmin } from '../../support/npm-run-admin.ts';
import { startRooms } from './rooms-system.ts';
import { type Device, Visitor } from './visitor.ts';

// Ann and Bob do everything that the page offers, in two browsers and over two gateways. A fault of a page, such as a
// violation of its policy, fails the test.

const { browser, urls, databaseUrl } = await startRooms();

/** The page asks for a room that the user has just left, or that was just deleted. */
const GONE = /status 404: .*\/api\/(rooms|messages)\/|console: .* 404 /;

for (const [annDevice, bobDevice] of [
  ['desktop', 'phone'],
  ['phone', 'desktop'],
] as [Device, Device][]) {
  describe(`Ann on a ${annDevice} and Bob on a ${bobDevice}`, async () => {
    const ann = await Visitor.open({ browser, url: urls[0], firstName: 'Ann', device: annDevice });
    const bob = await Visitor.open({ browser, url: urls[1], firstName: 'Bob', device: bobDevice });
    const room = `Tea on a ${annDevice}`;
    const renamed = `${room} renamed`;
    const joined = ['Room created', 'Bob joined the room'];

    afterEach(() => {
      for (const visitor of [ann, bob])
        assert.deepEqual(visitor.takeFaults(GONE), [], `faults on the page of ${visitor.firstName}`);
    });

    test('two people sign up', async () => {
      await ann.seeNoFindings('the login');
      await Promise.all([ann.signUp(), bob.signUp()]);
      await ann.seeNoFindings('the rooms');
    });

    test('one makes a public room, and the other finds it and joins', async () => {
      await ann.createRoom(room, 'Public');
      await bob.findAndJoin(room);
      await ann.seeTexts(joined);
      await bob.seeTexts(joined);
    });

    test('both see each message once, and a text with markup or from right to left stays a text', async () => {
      const texts = ['<img src=x onerror=alert(1)> <b>bold</b>', 'שלום בוב', 'see https://example.com/a, please'];
      for (const text of texts) {
        await ann.write(text);
        await bob.seeMessage(text).catch(() => bob.seeTexts([...joined, ...texts]));
      }
      await bob.write('hello Ann');
      for (const visitor of [ann, bob]) {
        await visitor.seeTexts([...joined, ...texts, 'hello Ann']);
        const direction = `getComputedStyle([...document.querySelectorAll('.message-text')].find((text) =>
          text.textContent === 'שלום בוב')).direction`;
        assert.equal(await visitor.page.evaluate(direction), 'rtl');
        await visitor.seeNoFindings('a room');
      }
      assert.equal(await bob.page.locator('.message img, .message b').count(), 0);
      const link = bob.page.getByRole('link', { name: 'https://example.com/a' });
      assert.equal(await link.getAttribute('rel'), 'noopener noreferrer nofollow');
    });

    test('an author edits a message and deletes another one', async () => {
      await bob.write('frist');
      // Only a committed message can be edited.
      await bob.message('frist').getByRole('button', { name: 'Your message' }).waitFor({ state: 'attached' });
      await bob.page.getByLabel('Write a message').press('ArrowUp');
      await bob.see('You change a message.');
      await bob.write('first');
      await ann.see('first (edited)');
      await bob.write('wrong room');
      await ann.seeMessage('wrong room');
      await bob.message('wrong room').hover();
      await bob.message('wrong room').getByRole('button', { name: 'Your message' }).click();
      await bob.seeNoFindings('the actions of a message');
      await bob.click('Delete');
      await bob.seeHeading('Delete this message?');
      await bob.click('Delete');
      for (const visitor of [ann, bob]) {
        await visitor.page.locator('.message-deleted').waitFor();
        assert.equal(await visitor.message('wrong room').count(), 0);
      }
    });

    test('the list of rooms has the last message and the author', async () => {
      await ann.write('the last one');
      await ann.seeMessage('the last one');
      await bob.showRooms();
      await bob.see('Ann: the last one');
      await ann.showRooms();
      await ann.see('You: the last one');
      await bob.openRoom(room);
    });

    test('the owner sees the members, removes one and adds them again', async () => {
      await ann.openRoom(room);
      await ann.click('Members');
      await ann.see('2 of 2 online');
      await ann.seeNoFindings('the members');
      await ann.page.getByRole('button', { name: /^Bob Example/ }).click();
      await ann.seeNoFindings('the card of a user');
      await ann.click('Remove from the room');
      await ann.see('Bob left the room');
      // A public room can be read without being a member.
      await bob.see('Join the room to write.');
      await ann.click('Add a member');
      await ann.fill({ 'E-mail': bob.email });
      await ann.click('Search');
      await ann.click('Add Bob Example');
      await bob.page.getByLabel('Write a message').waitFor();
      await bob.write('I am back');
      await ann.seeMessage('I am back');
    });

    test('the owner renames the room', async () => {
      await ann.chooseInMenu('Rename');
      await ann.fill({ Name: renamed });
      await ann.seeNoFindings('the dialog for a name');
      await ann.click('Rename');
      await Promise.all([ann.seeHeading(renamed), bob.seeHeading(renamed)]);
    });

    test('a member leaves, and the owner deletes the room', async () => {
      await bob.chooseInMenu('Leave');
      await bob.click('Leave');
      await bob.see('General');
      await ann.see('Bob left the room');
      await ann.chooseInMenu('Delete');
      await ann.click('Delete');
      await ann.page.getByRole('button', { name: 'New room' }).waitFor();
      await ann.page.getByText(renamed).first().waitFor({ state: 'detached' });
    });

    test('the members of a private room see it, and others do not find it', async () => {
      await ann.createRoom(`Secret on a ${annDevice}`, 'Private');
      await bob.showRooms();
      await bob.click('Find rooms');
      await bob.fill({ 'Part of the name': 'Secret' });
      await bob.see('No other public room has this name.');
      await bob.seeNoFindings('the dialog for rooms');
      await bob.click('Close');
    });

    test('an admin makes another user an admin', async () => {
      await runAdmin(databaseUrl, 'grant', ann.email);
      await ann.page.reload();
      await ann.openRoom('General');
      await ann.click('Members');
      await ann.page
        .getByRole('button', { name: /^Bob Example/ })
        .last()
        .click();
      await ann.click('Make admin');
      await ann.click('Remove admin rights');
      await ann.page.getByRole('button', { name: 'Make admin' }).waitFor();
      await ann.see(bob.email);
      await ann.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    });

    test('a user changes their name, and their e-mail with the mailed code, which the page shows', async () => {
      await ann.showRooms();
      await ann.click('Settings');
      await ann.see(`Your e-mail is ${ann.email}.`);
      const profile = ann.page.getByRole('region', { name: 'Your name' });
      await profile.getByLabel('First name').fill('Anna');
      await profile.getByLabel('Phone').fill('123456789');
      await profile.getByRole('button', { name: 'Save' }).click();
      await ann.see('Saved');
      await ann.fill({ 'New e-mail': `new-${ann.email}` });
      await ann.click('Mail me a code');
      const shown = await ann.page.getByText(/the mailed code is \d{6}/).textContent();
      const mail = ann.page.getByRole('region', { name: 'E-mail' });
      await mail.getByLabel('Code').fill(/\d{6}/.exec(shown ?? '')?.[0] ?? '');
      await mail.getByLabel('Phone').fill('123456789');
      await ann.seeNoFindings('the settings');
      await mail.getByRole('button', { name: 'Save' }).click();
      await ann.see(`Your e-mail is new-${ann.email}.`);
    });

    test('"log out everywhere" ends the session in each browser and tab', async () => {
      const tab = await bob.context.newPage();
      await tab.goto(urls[1]);
      await tab.getByText('Connected').waitFor();
      const second = await Visitor.open({ browser, url: urls[0], firstName: 'Bob', device: annDevice });
      Object.assign(second, { email: bob.email });
      await second.logIn();
      await bob.showRooms();
      await bob.click('Settings');
      await bob.click('Log out everywhere');
      await bob.page.getByRole('button', { name: 'Log in' }).waitFor();
      await tab.getByRole('button', { name: 'Log in' }).waitFor();
      await second.see('You are logged out. Log in again.');
      second.takeFaults();
      await bob.logIn();
    });
  });
}
