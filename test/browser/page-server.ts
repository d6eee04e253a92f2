import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { after } from 'node:test';

const CONTENT_TYPES: Record<string, string> = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript' };
const FILES = ['index.html', 'style.css', 'main.js', 'account.js', 'server.js', 'view.js'];

/** Serves the page of the browser test on its own port, so on another origin than a gateway. @returns the origin */
export async function servePage(): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = pathname === '/' ? 'index.html' : pathname.slice(1);
    if (!FILES.includes(file)) return response.writeHead(404).end();
    response.setHeader('Content-Type', CONTENT_TYPES[extname(file)] ?? 'text/plain');
    return response.end(readFileSync(join(import.meta.dirname, 'page', file)));
  });
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
