import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { type Browser, chromium } from 'playwright-core';
import { startMailCatcher, writeMail } from '../../../shared/local/mail.ts';
import { type System, startSystem } from '../../support/system.ts';
import { findChromium } from '../find-chromium.ts';

export interface RoomsSystem extends System {
  browser: Browser;
  /** The URL of each gateway, which serves the page. */
  urls: [string, string];
}

/**
 * Starts Rooms as `npm start` does in dev, but with two gateways, and a browser.
 * @param more variables of the environment
 */
export async function startRooms(more: Record<string, string> = {}): Promise<RoomsSystem> {
  const mails = mkdtempSync(join(tmpdir(), 'rooms-mails-'));
  after(() => rmSync(mails, { recursive: true, force: true }));
  const catcher = await startMailCatcher((mail) => void writeMail(mails, mail));
  after(() => catcher.close());
  const env = { ENVIRONMENT: 'dev', CAUGHT_MAILS: mails, ...more };
  const system = await startSystem({ gateways: 2, workers: 1, smtpPort: catcher.port, env });
  const browser = await chromium.launch({ executablePath: findChromium() ?? 'chromium' });
  after(() => browser.close());
  return { ...system, browser, urls: system.cluster.urls as [string, string] };
}
