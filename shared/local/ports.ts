import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** @returns a TCP port of 127.0.0.1 that is free at this moment */
export async function freePort(): Promise<number> {
  return (await tryPort(0, '127.0.0.1')) as number;
}

/** Whether another process listens on the port. uWebSockets.js would share the port without an error. */
export async function isPortTaken(port: number, host: string): Promise<boolean> {
  return (await tryPort(port, host)) === undefined;
}

/** Listens on the port for a moment. @returns the port, or undefined if it is taken */
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
