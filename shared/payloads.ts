import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** The kinds of payloads that processes send to each other over Redis. */
export type PayloadKind = 'reply' | 'broadcast' | 'notice' | 'ticket' | 'job' | 'people';

/**
 * Reads payloads that another process wrote. That process may have another version. A payload that cannot be read is
 * counted and dropped. The first such payload of each kind is logged, without its content.
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
        this.#log.error(
          { kind, reason: nameOf(error) },
          'a payload cannot be read and is dropped; more of this kind are not logged',
        );
      this.#logged.add(kind);
      return undefined;
    }
  }
}

/** Only the name of an error goes into the log, because its message can contain a part of the payload. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
