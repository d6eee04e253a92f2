import { isDeepStrictEqual } from 'node:util';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import type { Mailbox } from '../support/mailbox.ts';
import { until } from '../support/until.ts';
import { Traffic } from './traffic.ts';

const PASSWORD = 'correct horse';
const PHONE = '123456789';
const WAIT_TIMEOUT_MS = 10_000;

interface PersonOptions {
  browser: Browser;
  mailbox: Mailbox;
  /** The URL of the page. It contains the URL of the gateway of this person. */
  pageUrl: string;
  firstName: string;
}

/** A person in front of the page, with a browser context of their own. A method that begins with `see` waits. */
export class Person {
  readonly firstName: string;
  readonly email: string;
  readonly traffic = new Traffic();
  readonly #options: PersonOptions;
  readonly #context: BrowserContext;
  #page: Page;

  private constructor(options: PersonOptions, context: BrowserContext, page: Page) {
    this.#options = options;
    this.#context = context;
    this.#page = page;
    this.firstName = options.firstName;
    this.email = `${options.firstName.toLowerCase()}@example.com`;
  }

  static async open(options: PersonOptions): Promise<Person> {
    const context = await options.browser.newContext();
    context.setDefaultTimeout(WAIT_TIMEOUT_MS);
    const person = new Person(options, context, await context.newPage());
    await person.#load();
    return person;
  }

  async register(): Promise<void> {
    const form = this.#page.getByRole('form', { name: 'Register' });
    await form.getByLabel('First name').fill(this.firstName);
    await form.getByLabel('Last name').fill('Example');
    await form.getByLabel('Phone').fill(PHONE);
    await this.#submitWithCode(form, 'Register');
    await this.#see(form.getByText('done'));
  }

  async logIn(): Promise<void> {
    await this.#submitWithCode(this.#page.getByRole('form', { name: 'Log in' }), 'Log in');
    await this.seeGeneral();
  }

  async reload(): Promise<void> {
    await this.#page.reload();
    await this.seeGeneral();
  }

  async closeTabAndComeBack(): Promise<void> {
    await this.#page.close();
    this.#page = await this.#context.newPage();
    await this.#load();
    await this.seeGeneral();
  }

  async openRoom(name: string): Promise<void> {
    await this.#page.getByRole('navigation').getByRole('button', { name, exact: true }).click();
    await this.seeRoom(name);
  }

  async createRoom(name: string): Promise<void> {
    await this.#page.getByLabel('Room name').fill(name);
    await this.#page.getByRole('button', { name: 'Create room' }).click();
    await this.seeRoom(name);
  }

  deleteRoom(name: string): Promise<void> {
    return this.#ownRoom(name).getByRole('button', { name: 'Delete' }).click();
  }

  async addUser({ email }: Person): Promise<void> {
    await this.#page.locator('#add-user').getByLabel('E-mail').fill(email);
    await this.#page.getByRole('button', { name: 'Add user' }).click();
  }

  removeUser({ firstName }: Person): Promise<void> {
    return this.#items('Members').filter({ hasText: firstName }).getByRole('button', { name: 'Remove' }).click();
  }

  leave(): Promise<void> {
    return this.#page.getByRole('button', { name: 'Leave' }).click();
  }

  async write(text: string): Promise<void> {
    await this.#page.getByLabel('Text').fill(text);
    await this.#page.getByRole('button', { name: 'Send' }).click();
  }

  async edit(line: string, text: string): Promise<void> {
    await this.#line(line).getByRole('button', { name: 'Edit' }).click();
    await this.write(text);
  }

  deleteMessage(line: string): Promise<void> {
    return this.#line(line).getByRole('button', { name: 'Delete' }).click();
  }

  /** Waits until the socket is open and the room General is on the page. */
  async seeGeneral(): Promise<void> {
    await this.#see(this.#page.getByText('online', { exact: true }));
    await this.seeRoom('General');
  }

  seeOffline(): Promise<void> {
    return this.#see(this.#page.getByText('offline', { exact: true }));
  }

  seeRoom(name: string): Promise<void> {
    return this.#see(this.#page.getByRole('heading', { name, exact: true }));
  }

  /** Waits until the page shows the first room of the person's own rooms. */
  async seeFirstOwnRoom(): Promise<void> {
    const name = await this.#items('My rooms').first().getByRole('button').first().textContent();
    await this.seeRoom(name ?? '');
  }

  /** @param line such as `Ann: hello (edited)` */
  seeLine(line: string): Promise<void> {
    return this.#see(this.#line(line));
  }

  /** Waits until the page shows exactly these members, each with name and e-mail. */
  seeMembers(members: string[]): Promise<void> {
    return this.#seeItems('Members', members);
  }

  seeNoRoom(name: string): Promise<void> {
    return this.#see(this.#ownRoom(name), 'detached');
  }

  /** @returns the error text on the page */
  async seeRefusal(): Promise<string> {
    const alert = this.#page.getByRole('alert').filter({ hasText: /./ });
    await this.#see(alert);
    return (await alert.textContent()) ?? '';
  }

  /** Waits until the page shows exactly these messages. */
  seeLines(lines: string[]): Promise<void> {
    return this.#seeItems('Messages', lines);
  }

  async #load(): Promise<void> {
    await this.traffic.watch(this.#page);
    await this.#page.goto(this.#options.pageUrl);
  }

  async #submitWithCode(form: Locator, button: string): Promise<void> {
    await form.getByLabel('E-mail').fill(this.email);
    await form.getByLabel('Password').fill(PASSWORD);
    await form.getByRole('button', { name: 'Send code' }).click();
    await form.getByLabel('Code').fill(await this.#options.mailbox.takeOtp(this.email));
    await form.getByRole('button', { name: button }).click();
  }

  /** @throws Error with the content of the page if the condition is not true in time */
  async #see(locator: Locator, state: 'visible' | 'detached' = 'visible'): Promise<void> {
    try {
      await locator.waitFor({ state });
    } catch (cause) {
      const shown = await this.#page.locator('body').ariaSnapshot();
      const { faults } = this.traffic;
      const report = `Faults: ${faults.join(', ') || 'none'}\nThe page of ${this.firstName} shows:\n${shown}`;
      throw new Error(report, { cause });
    }
  }

  async #seeItems(list: string, expected: string[]): Promise<void> {
    let shown: string[] = [];
    const areShown = async () => {
      shown = await this.#items(list).locator('p').allTextContents();
      return isDeepStrictEqual(shown, expected);
    };
    await until(areShown, WAIT_TIMEOUT_MS, () => `${list} on the page of ${this.firstName}: ${JSON.stringify(shown)}`);
  }

  #ownRoom(name: string): Locator {
    return this.#items('My rooms').filter({ has: this.#page.getByText(name, { exact: true }) });
  }

  #line(line: string): Locator {
    return this.#items('Messages').filter({ has: this.#page.getByText(line, { exact: true }) });
  }

  #items(list: string): Locator {
    return this.#page.getByRole('list', { name: list }).getByRole('listitem');
  }
}
