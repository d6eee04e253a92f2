import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';

/** Serves a page on its own port, so on another origin than a gateway. @param script its only script @returns its URL */
export async function servePage(script = ''): Promise<string> {
  const server = createServer(({ url }, response) => {
    const isScript = url === '/page.js';
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : PAGE);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const PAGE = `<!doctype html><meta charset="utf-8"><title>Rooms</title><link rel="icon" href="data:,">
<main></main><script type="module" src="/page.js"></script>`;
