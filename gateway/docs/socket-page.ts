import type { AsyncDocument, DocumentedMessage } from './async-api.ts';
import { Html, html, withCode } from './html.ts';
import type { JsonSchema } from './json-schema.ts';

/** Makes a page of the document of the socket. The page needs no script. */
export function socketPage({ info, components, ...codes }: AsyncDocument): string {
  const messages = Object.entries(components.messages);
  const ofClient = messages.filter(([key]) => key.startsWith('client-'));
  const ofGateway = messages.filter(([key]) => key.startsWith('gateway-'));
  const ids = Object.entries(components.schemas).map(([name, { description = '' }]) => [target(name), description]);
  const errors = Object.entries(codes['x-error-codes']).map(([code, { retry, text }]) => [target(code), retry, text]);
  const closes = codes['x-close-codes'].map(({ code, name, action }) => [code, name, action]);
  const body = html`<h1>The socket of Rooms</h1>
${info.description.split('\n\n').map((paragraph) => html`<p>${withCode(paragraph)}</p>\n`)}
<p>This page shows <a href="/docs/asyncapi.json">the AsyncAPI 3 document</a>. <a href="/docs">All documents</a></p>
<nav aria-label="Contents"><ul>
<li><a href="#client">Frames that a client sends</a>: ${linksTo(ofClient)}</li>
<li><a href="#gateway">Frames that a gateway sends</a>: ${linksTo(ofGateway)}</li>
<li><a href="#ids">Ids</a></li>
<li><a href="#errors">Error codes</a></li>
<li><a href="#closes">Close codes</a></li>
</ul></nav>
<h2 id="client">Frames that a client sends</h2>
${ofClient.map(sectionOf)}
<h2 id="gateway">Frames that a gateway sends</h2>
${ofGateway.map(sectionOf)}
<h2 id="ids">Ids</h2>
${table(['name', 'form'], ids)}
<h2 id="errors">Error codes</h2>
${table(['code', 'retry', 'text'], errors)}
<h2 id="closes">Close codes</h2>
${table(['code', 'name', 'what a client does'], closes)}`;
  return `${pageOf(body)}`;
}

function pageOf(body: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Rooms: the socket</title>
<link rel="stylesheet" href="/docs/files/docs.css">
</head>
<body><main>
${body}
</main></body>
</html>
`;
}

function linksTo(messages: [key: string, message: DocumentedMessage][]): Html[] {
  return messages.map(([key, { name }], index) => html`${index > 0 ? ', ' : ''}<a href="#${key}">${name}</a>`);
}

function sectionOf([key, { name, summary, payload, examples, ...rest }]: [string, DocumentedMessage]): Html {
  const codes = rest['x-error-codes'] ?? [];
  const refusals = codes.map(
    (code, index) => html`${index > 0 ? ', ' : ''}<a href="#${code}"><code>${code}</code></a>`,
  );
  return html`<section>
<h3 id="${key}">${name}</h3>
<p>${withCode(summary)}</p>
${table(['field', 'form', 'meaning'], fieldsOf(payload))}
<pre tabindex="0" aria-label="Example of ${name}"><code>${JSON.stringify(examples[0]?.payload, null, 2)}</code></pre>
${codes.length > 0 ? html`<p>A gateway refuses it with ${refusals}.</p>` : ''}
</section>
`;
}

type Cell = Html | string | number;

/** The fields of an object, also those of the objects in it. */
function fieldsOf({ properties = {}, required = [] }: JsonSchema, path = ''): Cell[][] {
  return Object.entries(properties as Record<string, JsonSchema>).flatMap(([field, schema]) => {
    const form = `${formOf(schema)}${required.includes(field) ? '' : ', optional'}`;
    const inner = (schema.items as JsonSchema | undefined) ?? schema;
    return [
      [html`<code>${path}${field}</code>`, form, schema.description ?? ''],
      ...fieldsOf(inner, `${path}${field}.`),
    ];
  });
}

/** The type of a field and its bounds, in a few words. */
function formOf(schema: JsonSchema): string {
  const { allOf, anyOf, items, minLength, maxLength, maxItems } = schema;
  if (schema.$ref) return schema.$ref.split('/').at(-1) as string;
  if (allOf) return formOf(allOf[0] as JsonSchema);
  if (anyOf) return anyOf.map((each) => formOf(each as JsonSchema)).join(' or ');
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(' or ');
  if (items) return `list of ${formOf(items as JsonSchema)}${maxItems === undefined ? '' : `, at most ${maxItems}`}`;
  if (maxLength !== undefined) return `${schema.type}, ${minLength ?? 0} to ${maxLength} characters`;
  const { propertyNames: keys, additionalProperties: values } = schema;
  if (keys) return `object, for each ${formOf(keys as JsonSchema)} one ${formOf(values as JsonSchema)}`;
  return `${schema.type}`;
}

function table(columns: string[], rows: Cell[][]): Html {
  const cell = (value: Cell) => html`<td>${value instanceof Html ? value : withCode(`${value}`)}</td>`;
  return html`<table>
<thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`)}</tbody>
</table>`;
}

/** A code or a name that links on this page lead to. */
function target(name: string): Html {
  return html`<code id="${name}">${name}</code>`;
}
