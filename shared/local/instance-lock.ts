import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';

/**
 * Claims a folder for this process until it ends, however it ends: the kernel keeps the lockInstance (an abstract socket),
 * so nothing stale is ever left behind.
 * @param about what a second one is told
 * @returns undefined, or what the one who has claimed it says about itself
 */
export async function lockInstance(folder: string, about: string): Promise<string | undefined> {
  const path = `\0rooms-${createHash('sha256').update(realpathSync(folder)).digest('hex')}`;
  const server = createServer((socket) => socket.end(about)).listen(path);
  try {
    await once(server, 'listening');
    server.unref();
    return undefined;
  } catch (error) {
    if ((error as { code?: string }).code !== 'EADDRINUSE') throw error;
    return text(connect(path));
  }
}
