import type { Page } from 'playwright-core';

/** A request that the browser cancels, because the page is reloaded, is not a fault. */
const CANCELLED = 'net::ERR_ABORTED';

/** What the pages of a person send, receive and report. The browser reports it, not the page. */
export class Traffic {
  /** The requests to a gateway in the order of the page, such as `GET rooms/general`. A socket is `GET ws/`. */
  readonly requests: string[] = [];
  /** The values of `Access-Control-Request-Headers` in preflights. */
  readonly preflights = new Set<string>();
  /** The frames that the sockets received. */
  readonly frames: { command: string; text?: string; error?: string }[] = [];
  /** Errors on the console, uncaught errors, failed requests, and answers with a status of 400 or more. */
  readonly faults: string[] = [];

  /** Call this before the page loads. */
  async watch(page: Page): Promise<void> {
    this.#watchFaults(page);
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => this.frames.push(JSON.parse(payload.toString()))),
    );
    await this.#watchRequests(page);
  }

  #watchFaults(page: Page): void {
    page.on('console', (message) => message.type() === 'error' && this.faults.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => this.faults.push(`uncaught: ${error.message}`));
    page.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText;
      if (reason !== CANCELLED) this.faults.push(`${reason}: ${request.url()}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) this.faults.push(`status ${response.status()}: ${response.url()}`);
    });
  }

  /** Uses the protocol of Chromium: the events of Playwright hide preflights and the order of sockets and requests. */
  async #watchRequests(page: Page): Promise<void> {
    const session = await page.context().newCDPSession(page);
    session.on('Network.webSocketCreated', ({ url }) => this.#addRequest('GET', url));
    session.on('Network.requestWillBeSent', ({ request: { method, url, headers } }) => {
      if (method === 'OPTIONS') this.preflights.add(headers['Access-Control-Request-Headers'] ?? '');
      else this.#addRequest(method, url);
    });
    await session.send('Network.enable');
  }

  #addRequest(method: string, url: string): void {
    const [, path] = new URL(url).pathname.split('/api/');
    if (path) this.requests.push(`${method} ${path}`);
  }
}
