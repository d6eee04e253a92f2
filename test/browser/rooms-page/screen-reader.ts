import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';

/** What the virtual screen reader puts before a text of a live region. */
const LIVE = /^(polite|assertive): /;

const library = fileURLToPath(import.meta.resolve('@guidepup/virtual-screen-reader/browser.js'));
const script = build({
  stdin: {
    contents: `import { Virtual } from '${library}'; globalThis.screenReader = new Virtual();`,
    resolveDir: import.meta.dirname,
  },
  ...{ bundle: true, format: 'iife', write: false, logLevel: 'error' },
});

/** A virtual screen reader in the page of a person. */
export class ScreenReader {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  static async start(page: Page): Promise<ScreenReader> {
    const { outputFiles } = await script;
    // The policy of the page allows no script from outside, so it runs as the debugger does.
    await page.evaluate(outputFiles[0]?.text ?? '');
    await page.evaluate('screenReader.start({ container: document.body })');
    return new ScreenReader(page);
  }

  /** What it has spoken because the page has changed, not because the person has moved. */
  async announced(): Promise<string[]> {
    const phrases = await this.#page.evaluate<string[]>('screenReader.spokenPhraseLog()');
    return phrases.filter((phrase) => LIVE.test(phrase)).map((phrase) => phrase.replace(LIVE, ''));
  }

  async stop(): Promise<void> {
    await this.#page.evaluate('screenReader.stop()');
  }
}
