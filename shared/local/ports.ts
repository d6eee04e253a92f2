import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** A TCP port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  return (await tryPort(0, '127.0.0.1')) as number;
}

/** Whether somebody listens on the port; unlike uWebSockets.js this notices those who would share it. */
export async function isPortTaken(port: number, host: string): Promise<boolean> {
  return (await tryPort(port, host)) === undefined;
}

async function tryPort(port: number, host: string): Promise<number | undefined> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as { code?: string }).code === 'EADDRINUSE') return undefined;
    throw error;
  }
  const { port: bound } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return bound;
}
