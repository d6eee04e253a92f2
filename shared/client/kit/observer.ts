import type { Command } from '../../contract/commands.ts';

/** What the kit wants to know about the traffic. */
export interface Observer {
  /** Anything that explains a failure to a person. */
  note(what: string, frame?: unknown): void;
  sent(frame: object): void;
  resumed(epoch: string | undefined, positions: ReadonlyMap<string, number>, isFirst: boolean): void;
  received(command: Command): void;
  /** A history was read, up to this seq. */
  read(roomId: string, seq: number): void;
  /** A connection has ended. */
  ended(): void;
  broken(rule: string | undefined): void;
}
