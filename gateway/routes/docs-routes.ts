import { asyncApi } from '../docs/async-api.ts';
import { openApi } from '../docs/open-api.ts';
import { socketPage } from '../docs/socket-page.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import { builtFiles, HTML, MARKDOWN, SCRIPT, STYLE, TEXT } from '../http/built-files.ts';
import type { OpenRequest, Route } from '../http/route.ts';
import { ServedFile, type ServedFileOptions } from '../http/served-file.ts';

export const JSON_FILE = 'application/json; charset=utf-8';

const HOUR_SECONDS = 3_600;

/** Swagger UI writes styles into its elements. */
const DOCS_POLICY = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data:", "connect-src 'self'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ');

const pages = builtFiles('gateway/docs/dist', { types: { '.html': HTML }, cacheSeconds: 0, policy: DOCS_POLICY });
const files = builtFiles('gateway/docs/dist', {
  types: { '.js': SCRIPT, '.css': STYLE, '.md': MARKDOWN },
  cacheSeconds: HOUR_SECONDS,
});
const forModels = builtFiles('gateway/docs/dist', { types: { '.txt': TEXT }, cacheSeconds: 0 });

/** The list of the documents. */
export const listDocuments = () => pages.get('index.html');

/** The OpenAPI document as a page. */
export const showOpenApi = () => pages.get('http.html');

/** What a language model reads first: https://llmstxt.org. It has links to all documents. */
export const llmsText = () => forModels.get('llms.txt');

/** A script or the styles of these pages, or a guide. @throws Refusal `no_such_route` */
export function docsFile(
  _: GatewayContext,
  { parameters }: OpenRequest & { parameters: { file: string } },
): ServedFile {
  return files.get(parameters.file);
}

/** The documents that are made of the route table, at the first request. */
export function servedDocuments(routes: () => readonly Route[]) {
  const json = { type: JSON_FILE, cacheSeconds: 0 };
  const page = { type: HTML, cacheSeconds: 0, policy: DOCS_POLICY };
  return {
    openApi: servedOnce(() => JSON.stringify(openApi(routes())), json),
    asyncApi: servedOnce(() => JSON.stringify(asyncApi(routes())), json),
    socketPage: servedOnce(() => socketPage(asyncApi(routes())), page),
  };
}

function servedOnce(make: () => string, options: ServedFileOptions): () => ServedFile {
  let file: ServedFile | undefined;
  return () => {
    file ??= new ServedFile(Buffer.from(make()), options);
    return file;
  };
}
