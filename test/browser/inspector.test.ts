import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { chromium, type Page } from 'playwright-core';
import { startSystem } from '../support/system.ts';
import { findChromium } from './find-chromium.ts';

// The inspector of the page in Chromium, with a real gateway.

const { cluster } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const browser = await chromium.launch({ executablePath: findChromium() ?? 'chromium' });
after(() => browser.close());

/** A new user with a browser of their own, in the room General. */
async function openPerson(firstName: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(url);
  await page.getByText('New here? Sign up').click();
  const email = `${firstName.toLowerCase()}@example.com`;
  const fields = { 'First name': firstName, 'Last name': 'Example', 'E-mail': email, Password: 'correct horse' };
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
  await page.getByRole('button', { name: 'Sign up', exact: true }).click();
  await page.getByRole('navigation').getByText('General', { exact: true }).click();
  return page;
}

const log = (page: Page) => page.getByRole('log');
const composer = (page: Page) => page.getByRole('textbox', { name: /message/i });
const inspector = (page: Page) => page.getByRole('region', { name: 'Inspector', exact: true });

async function write(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await page.keyboard.press('Enter');
  await log(page).getByText(text, { exact: true }).waitFor();
}

test('after a cut, the inspector shows which messages were replayed, and why a message stands where it does', async () => {
  const [ann, bob] = [await openPerson('Ann'), await openPerson('Bob')];
  await write(ann, 'before the cut');
  await log(bob).getByText('before the cut', { exact: true }).waitFor();
  await ann.getByRole('button', { name: 'Open the inspector' }).click();
  await inspector(ann).getByText('The page has not lost its connection yet.').waitFor();

  await inspector(ann).getByRole('button', { name: 'Cut the connection for 5 s' }).click();
  await inspector(ann).getByText('The connection is cut. The page cannot receive anything.').waitFor();
  for (const text of ['missed one', 'missed two']) await write(bob, text);
  assert.equal(await log(ann).getByText('missed one', { exact: true }).count(), 0);
  await inspector(ann).getByRole('button', { name: 'Connect now' }).click();
  await inspector(ann).getByText('2 missed messages were replayed: #2 to #3').waitFor();
  for (const text of ['missed one', 'missed two'])
    assert.equal(await log(ann).getByText(text, { exact: true }).count(), 1, text);

  await inspector(ann).getByRole('searchbox').fill('missed two');
  await inspector(ann).getByText('CreateMessage', { exact: true }).click();
  await inspector(ann).getByText('The page had everything up to 2, so this message is the next one.').waitFor();
});
