import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { chromium, type Page } from 'playwright-core';
import { startSystem } from '../support/system.ts';
import { axeFindings } from './axe-findings.ts';
import { findChromium } from './find-chromium.ts';
import { DEVICES } from './rooms-page/visitor.ts';
import { Traffic } from './traffic.ts';

const { cluster } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const browser = await chromium.launch({ executablePath: findChromium() ?? 'chromium' });
after(() => browser.close());

for (const [name, device] of Object.entries(DEVICES)) {
  test(`a developer goes from the list of documents to a frame and to a route, on a ${name}`, async () => {
    const page = await browser.newPage(device);
    const traffic = new Traffic();
    await traffic.watch(page);
    await page.goto(`${url}/docs`);
    assert.deepEqual(await axeFindings(page), []);
    await page.getByRole('link', { name: 'The socket' }).click();
    await page.getByRole('link', { name: 'CreateMessage' }).click();
    await page.getByRole('heading', { name: 'CreateMessage' }).waitFor();
    assert.ok(await isAsWideAsScreen(page));
    assert.deepEqual(await axeFindings(page), []);
    await page.getByRole('link', { name: 'All documents' }).click();
    await page.getByRole('link', { name: 'The HTTP API' }).click();
    await page.getByText('Write a message to a room').waitFor();
    assert.deepEqual(traffic.faults, []);
  });
}

/** Nobody must scroll to the side to read a table. */
function isAsWideAsScreen(page: Page): Promise<boolean> {
  return page.evaluate<boolean>('document.documentElement.scrollWidth <= window.innerWidth');
}
