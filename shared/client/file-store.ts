import { link, open, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import type { Store } from './store.ts';

/** A store in a file, for a program in Node. */
export interface FileStore extends Store {
  /** Waits for the last change, and lets another process use the file. */
  close(): Promise<void>;
}

/**
 * Opens a store in this file. It is made if it does not exist.
 * @throws Error if a running process uses the file, or if the file is damaged
 */
export async function openFileStore(path: string): Promise<FileStore> {
  const unlock = await lock(`${path}.lock`);
  const read = await readEntries(path).catch(async (error) => {
    await unlock();
    throw error;
  });
  const entries = new Map(read);
  let writing: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const write = async () => {
    await writing?.catch(() => undefined);
    next = undefined;
    writing = replaceFile(path, JSON.stringify([...entries]));
    await writing;
  };
  return {
    entries: async (prefix) => [...entries].filter(([key]) => key.startsWith(prefix)),
    change: (changes) => {
      for (const [key, value] of Object.entries(changes)) {
        if (value === undefined) entries.delete(key);
        else entries.set(key, value);
      }
      // Changes during a write share the next write.
      next ??= write();
      return next;
    },
    close: async () => {
      try {
        await (next ?? writing);
      } finally {
        await unlock();
      }
    },
  };
}

async function readEntries(path: string): Promise<[string, string][]> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (isCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** A crash leaves the old file or the new one, never a part of one. */
async function replaceFile(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

/**
 * The lock is a file with the id of the process. The lock of a process that has ended is taken over, and so is one with
 * the id of this process: in a container, the next process often has the same id.
 * @returns a function that removes the lock
 */
async function lock(path: string): Promise<() => Promise<void>> {
  if (ownLocks.has(path)) throw new Error(`${path}: this process uses the store already`);
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${process.pid}`);
  try {
    await link(draft, path).catch(async (error) => {
      if (!isCode(error, 'EEXIST')) throw error;
      const owner = Number(await readFile(path, 'utf8'));
      if (isRunning(owner)) throw new Error(`${path}: the process ${owner} uses the store`, { cause: error });
      await unlink(path);
      await link(draft, path);
    });
  } finally {
    await unlink(draft);
  }
  ownLocks.add(path);
  return async () => {
    ownLocks.delete(path);
    await unlink(path);
  };
}

const ownLocks = new Set<string>();

function isRunning(processId: number): boolean {
  if (processId === process.pid) return false;
  try {
    return process.kill(processId, 0);
  } catch (error) {
    return !isCode(error, 'ESRCH');
  }
}

const isCode = (error: unknown, code: string) => (error as { code?: string }).code === code;
