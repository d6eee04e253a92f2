import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startRooms } from './rooms-system.ts';
import { type Device, Visitor } from './visitor.ts';

// npm run screenshots: writes the images of the README.

const folder = join(import.meta.dirname, '../../../docs/images');
const MAX_BYTES = 150 * 1024;

const { browser, urls } = await startRooms();
const open = async (firstName: string, device: Device) => {
  const visitor = await Visitor.open({ browser, url: urls[0], firstName, device });
  await visitor.signUp();
  return visitor;
};

async function save({ page }: Visitor, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path });
  assert.ok(statSync(path).size <= MAX_BYTES, `${name} has ${statSync(path).size} bytes`);
}

test('two people talk: a desktop, the dark, a phone, and the inspector after a lost connection', async () => {
  const [ann, bob] = [await open('Ann', 'desktop'), await open('Bob', 'phone')];
  await ann.createRoom('Design review', 'Public');
  await ann.write('The first sketches are ready.');
  await ann.createRoom('Garden party', 'Private');
  await ann.createRoom('Team', 'Public');
  await bob.findAndJoin('Team');
  await ann.write('Good morning! The new gateway is running since 6:00.');
  await ann.write('Notes: https://example.com/notes. Please read them before the call.');
  await bob.seeMessage('Good morning! The new gateway is running since 6:00.');
  await bob.write('Thanks Ann, I read them on the train.');
  await bob.write('صباح الخير! هل نلتقي في العاشرة؟');
  await ann.seeMessage('صباح الخير! هل نلتقي في العاشرة؟');
  await ann.write('Yes, at ten. I bring the tea.');
  await bob.seeMessage('Yes, at ten. I bring the tea.');
  await bob.showRooms();
  await bob.findAndJoin('Design review');
  await bob.write('They look good. One question about the second page.');
  await ann.page.getByText('unread message').first().waitFor({ state: 'attached' });
  await ann.click('Members');
  await ann.see('2 of 2 online');
  await save(ann, 'page');
  await ann.page.emulateMedia({ colorScheme: 'dark' });
  await save(ann, 'page-dark');
  await bob.openRoom('Team');
  await save(bob, 'page-phone');

  await ann.page.emulateMedia({ colorScheme: 'light' });
  await ann.click('Members');
  await ann.click('Open the inspector');
  await ann.page.getByRole('button', { name: /^Cut the connection/ }).click();
  await bob.write('The train is in a tunnel now.');
  await bob.write('Now it is out again.');
  await bob.seeMessage('Now it is out again.');
  await ann.click('Connect now');
  await ann.page.getByText(/2 missed messages were replayed/).waitFor();
  await ann.seeMessage('Now it is out again.');
  await save(ann, 'inspector');
});
