import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';

/**
 * Locks a folder for this process until it ends. The lock is an abstract Unix socket. The kernel removes the socket when
 * the process ends, also after a kill, so no lock stays behind.
 * @param description what another process gets when it tries to lock the same folder
 * @returns undefined if the folder is now locked. Otherwise the description of the process that has the lock.
 */
export async function lockInstance(folder: string, description: string): Promise<string | undefined> {
  const path = `\0rooms-${createHash('sha256').update(realpathSync(folder)).digest('hex')}`;
  const server = createServer((socket) => socket.end(description)).listen(path);
  try {
    await once(server, 'listening');
    server.unref();
    return undefined;
  } catch (error) {
    if ((error as { code?: string }).code !== 'EADDRINUSE') throw error;
    return text(connect(path));
  }
}
