import axe from 'axe-core';
import type { Page } from 'playwright-core';

interface Violation {
  id: string;
  nodes: { html: string }[];
}

/** Returns what axe-core finds on a page: for each rule, the elements that break it. */
export async function axeFindings(page: Page): Promise<string[]> {
  // The policy of the page allows no script from outside, so axe runs as the debugger does.
  await page.evaluate(`if (!window.axe) { ${axe.source} }`);
  const { violations } = await page.evaluate<{ violations: Violation[] }>('axe.run()');
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
}
