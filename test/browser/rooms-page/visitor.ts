import assert from 'node:assert/strict';
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { until } from '../../support/until.ts';
import { axeFindings } from '../axe-findings.ts';
import { Traffic } from '../traffic.ts';

const TIMEOUT_MS = 15_000;
const PASSWORD = 'correct horse';

/** What a person has in front of them. */
export const DEVICES = {
  desktop: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true, isMobile: true },
} as const satisfies Record<string, BrowserContextOptions>;
export type Device = keyof typeof DEVICES;

/** What the browser writes to the console while a gateway does not run. */
export const NETWORK_FAULT = /net::ERR|WebSocket connection|status 50[23]|Failed to load resource: net/;

interface VisitorOptions {
  browser: Browser;
  url: string;
  firstName: string;
  device: Device;
}

/** A person with a browser of their own, in front of the page of a gateway. */
export class Visitor {
  readonly firstName: string;
  readonly email: string;
  readonly context: BrowserContext;
  readonly page: Page;
  readonly traffic: Traffic;
  readonly #url: string;

  private constructor(options: VisitorOptions, context: BrowserContext, page: Page, traffic: Traffic) {
    this.firstName = options.firstName;
    this.email = `${options.firstName.toLowerCase()}-${crypto.randomUUID()}@example.com`;
    this.context = context;
    this.page = page;
    this.traffic = traffic;
    this.#url = options.url;
  }

  static async open(options: VisitorOptions): Promise<Visitor> {
    const context = await options.browser.newContext({ ...DEVICES[options.device], locale: 'en-GB' });
    context.setDefaultTimeout(TIMEOUT_MS);
    const page = await context.newPage();
    const traffic = new Traffic();
    await traffic.watch(page);
    await page.goto(options.url);
    return new Visitor(options, context, page, traffic);
  }

  async fillSignUp(): Promise<void> {
    await this.click('New here? Sign up');
    await this.fill({ 'First name': this.firstName, 'Last name': 'Example' });
    await this.fill({ 'E-mail': this.email, Password: PASSWORD });
  }

  async signUp(): Promise<void> {
    await this.fillSignUp();
    await this.click('Sign up');
    await this.see('Connected');
  }

  async logIn(): Promise<void> {
    await this.fill({ 'E-mail': this.email, Password: PASSWORD });
    await this.click('Log in');
    await this.see('Connected');
  }

  async fill(fields: Record<string, string>): Promise<void> {
    for (const [label, value] of Object.entries(fields)) await this.page.getByLabel(label, { exact: true }).fill(value);
  }

  /** Clicks the button or link with this name. */
  async click(name: string): Promise<void> {
    await this.page
      .getByRole('button', { name, exact: true })
      .or(this.page.getByRole('link', { name, exact: true }))
      .click();
  }

  async see(text: string): Promise<void> {
    await this.page.getByText(text, { exact: true }).filter({ visible: true }).first().waitFor();
  }

  async seeHeading(name: string): Promise<void> {
    await this.page.getByRole('heading', { name, exact: true }).waitFor();
  }

  async createRoom(name: string, type: 'Private' | 'Public' | 'Read only'): Promise<void> {
    await this.showRooms();
    await this.click('New room');
    await this.fill({ Name: name });
    await this.page.getByRole('radio', { name: new RegExp(`^${type}`) }).check();
    await this.click('Create');
    await this.seeHeading(name);
  }

  async findAndJoin(name: string): Promise<void> {
    await this.showRooms();
    await this.click('Find rooms');
    await this.fill({ 'Part of the name': name });
    await this.click(`Join ${name}`);
    await this.seeHeading(name);
  }

  async openRoom(name: string): Promise<void> {
    await this.showRooms();
    await this.page.getByRole('navigation').getByText(name, { exact: true }).click();
    await this.seeHeading(name);
  }

  /** On a phone, the rooms are behind "Back". */
  async showRooms(): Promise<void> {
    const back = this.page.getByRole('link', { name: 'Back' });
    const create = this.page.getByRole('button', { name: 'New room' });
    await back.or(create).filter({ visible: true }).first().waitFor();
    if (!(await create.isVisible())) await back.click();
    await create.waitFor();
  }

  async chooseInMenu(item: string): Promise<void> {
    await this.click('Room menu');
    await this.page.getByRole('menuitem', { name: item }).click();
  }

  async write(text: string): Promise<void> {
    await this.page.getByLabel('Write a message').fill(text);
    await this.page.getByLabel('Write a message').press('Enter');
  }

  /** The message with this text. An own message is found when it is committed, without `sending …` behind the text. */
  message(text: string): Locator {
    return this.page.getByRole('article').filter({ has: this.page.getByText(text, { exact: true }) });
  }

  async seeMessage(text: string): Promise<void> {
    await this.message(text).waitFor();
  }

  /** Waits until the own message with this text is shown as not committed yet. */
  async seeSending(text: string): Promise<void> {
    await this.page.getByRole('article', { name: new RegExp(`^You: ${text},.*sending …$`) }).waitFor();
  }

  /** The texts of the room in the order of the page. */
  texts(): Promise<string[]> {
    return this.page.locator('.message p:not(.message-head)').allTextContents();
  }

  async seeTexts(expected: string[]): Promise<void> {
    let seen: string[] = [];
    const isSame = async () => {
      seen = await this.texts();
      return JSON.stringify(seen) === JSON.stringify(expected);
    };
    await until(
      isSame,
      20_000,
      () => `${this.firstName} sees ${JSON.stringify(seen)}, not ${JSON.stringify(expected)}`,
    );
  }

  /** The token of the session, which the page keeps. */
  token(): Promise<string> {
    return this.page.evaluate<string>("JSON.parse(localStorage.getItem('rooms.session')).token");
  }

  async go(hash: string): Promise<void> {
    await this.page.goto(`${this.#url}/${hash}`);
  }

  /** @throws AssertionError with each finding of axe-core on the screen of now */
  async seeNoFindings(screen: string): Promise<void> {
    const findings = await axeFindings(this.page);
    assert.deepEqual(findings, [], `axe on ${screen} of ${this.firstName}`);
  }

  /** The faults since the last call, also violations of the policy. @param ignored faults that the test expects */
  takeFaults(ignored = /^$/): string[] {
    return this.traffic.faults.splice(0).filter((fault) => !ignored.test(fault));
  }
}
