import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** What crosses Redis. */
export type PayloadKind = 'reply' | 'broadcast' | 'notice' | 'ticket' | 'job';

/**
 * Reads payloads that another process wrote, perhaps one of another version. A payload that cannot be read is counted
 * and dropped. The first of each kind is logged, without its content.
 */
export class PayloadReader {
  readonly #metrics: Pick<Metrics, 'unreadablePayloads'>;
  readonly #log: Log;
  readonly #logged = new Set<PayloadKind>();

  constructor(metrics: Pick<Metrics, 'unreadablePayloads'>, log: Log) {
    this.#metrics = metrics;
    this.#log = log;
  }

  /** @param decode throws if it cannot read the payload. @returns undefined if the payload is dropped */
  read<Input, Output>(kind: PayloadKind, payload: Input, decode: (payload: Input) => Output): Output | undefined {
    try {
      return decode(payload);
    } catch (error) {
      this.#metrics.unreadablePayloads.inc({ kind });
      if (!this.#logged.has(kind))
        this.#log.error({ kind, reason: nameOf(error) }, 'payloads of this kind cannot be read, dropping them');
      this.#logged.add(kind);
      return undefined;
    }
  }
}

/** The message of such an error quotes the payload, so only its name goes into the log. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
