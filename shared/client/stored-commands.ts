import { newRef } from './new-ref.ts';
import type { Command } from './protocol.ts';
import type { Store } from './store.ts';

/** A command as the store keeps it, under the key `outbox/<ref>`. */
export interface StoredCommand {
  ref: string;
  command: Command;
  /** Commands with a smaller number come first. */
  order: number;
  /** The tab that sends the command. */
  tab: string;
}

const PREFIX = 'outbox/';

/**
 * The commands in the store. Each tab sends its own ones. A tab has a lock for its whole life, so the lock of a closed
 * tab is free, and another tab takes over its commands. Without locks, a tab takes over all commands at its start.
 */
export class StoredCommands {
  readonly #store: Store;
  readonly #tab = newRef();
  #unlock: (() => void) | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Begins the life of this tab. */
  async open(): Promise<void> {
    const { locks } = this.#store;
    if (!locks) return;
    await new Promise<void>((resolve, reject) => {
      const untilClose = async () => {
        const closed = new Promise<void>((unlock) => {
          this.#unlock = unlock;
        });
        resolve();
        await closed;
      };
      locks.request(`tab ${this.#tab}`, {}, untilClose).catch(reject);
    });
  }

  async save(ref: string, command: Command, order: number): Promise<void> {
    await this.#store.change({ [PREFIX + ref]: JSON.stringify({ ref, command, order, tab: this.#tab }) });
  }

  async remove(ref: string): Promise<void> {
    await this.#store.change({ [PREFIX + ref]: undefined });
  }

  /** Takes over the commands of closed tabs. @returns these commands, in their order */
  async adopt(): Promise<StoredCommand[]> {
    const tabs = new Set((await this.#read()).map(({ tab }) => tab));
    tabs.delete(this.#tab);
    const adopted: StoredCommand[] = [];
    for (const tab of tabs) adopted.push(...(await this.#adoptFrom(tab)));
    return adopted.sort((one, other) => one.order - other.order);
  }

  close(): void {
    this.#unlock?.();
  }

  async #adoptFrom(tab: string): Promise<StoredCommand[]> {
    const { locks } = this.#store;
    if (!locks) return this.#takeOver(tab);
    return locks.request(`tab ${tab}`, { ifAvailable: true }, async (lock) => (lock ? this.#takeOver(tab) : []));
  }

  /** Reads again, under the lock: another tab may have taken the commands over. */
  async #takeOver(tab: string): Promise<StoredCommand[]> {
    const commands = (await this.#read())
      .filter((each) => each.tab === tab)
      .map((each) => ({ ...each, tab: this.#tab }));
    await this.#store.change(Object.fromEntries(commands.map((each) => [PREFIX + each.ref, JSON.stringify(each)])));
    return commands;
  }

  async #read(): Promise<StoredCommand[]> {
    return (await this.#store.entries(PREFIX)).map(([, value]) => JSON.parse(value));
  }
}
