import { Agent, request } from 'node:http';

const EVERY_MS = 5;

/**
 * Sends a small request again and again, each when the one before has its answer and 5 ms have passed. The longest answer
 * is a bound for the longest step of the event loop of the gateway.
 */
export class Pauses {
  longestMs = 0;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;
  #isStopped = false;

  constructor(url: string) {
    this.#url = url;
    this.#next();
  }

  stop(): void {
    this.#isStopped = true;
    this.#agent.destroy();
  }

  #next(): void {
    if (this.#isStopped) return;
    const startedAt = performance.now();
    const sending = request(`${this.#url}/healthz`, { agent: this.#agent }, (answer) => {
      answer.resume().on('end', () => {
        this.longestMs = Math.max(this.longestMs, performance.now() - startedAt);
        setTimeout(() => this.#next(), EVERY_MS);
      });
    });
    sending.on('error', () => setTimeout(() => this.#next(), EVERY_MS));
    sending.end();
  }
}
