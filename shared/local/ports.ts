import { once } from 'node:events';
import { createServer } from 'node:net';

/** Linux gives higher ports to connections, and to servers that ask for any port. */
const [FIRST_PORT, LAST_PORT] = [10_000, 32_000];
/** Processes that run at the same time seldom choose the same ports. */
const PORTS_OF_PROCESS = 100;

let chosenPorts = 0;

/**
 * @returns a TCP port of 127.0.0.1 that is free. It stays free until a program listens there: the system gives it to no
 *   other program
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const place = process.pid * PORTS_OF_PROCESS + chosenPorts++;
    const port = FIRST_PORT + (place % (LAST_PORT - FIRST_PORT));
    if (!(await isPortTaken(port, '127.0.0.1'))) return port;
  }
}

/** Whether another process listens on the port. uWebSockets.js would share the port without an error. */
export async function isPortTaken(port: number, host: string): Promise<boolean> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as { code?: string }).code === 'EADDRINUSE') return true;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return false;
}
