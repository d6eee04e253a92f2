/** A row of a table: the text of each cell, by the header of the column. */
export type Row = Record<string, string>;

export interface Table {
  /** The nearest heading above the table. */
  heading: string;
  columns: string[];
  rows: Row[];
}

/** Returns all tables of a Markdown document. A `\|` does not end a cell. */
export function readTables(text: string): Table[] {
  const tables: Table[] = [];
  let heading = '';
  let table: Table | undefined;
  for (const line of withoutFences(text).split('\n')) {
    if (!line.startsWith('|')) table = undefined;
    if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
    if (!line.startsWith('|') || /^[| :-]+$/.test(line)) continue;
    const cells = line.split(/(?<!\\)\|/).slice(1, -1);
    if (table) table.rows.push(rowOf(table.columns, cells));
    else {
      table = { heading, columns: cells.map((cell) => cell.trim()), rows: [] };
      tables.push(table);
    }
  }
  return tables;
}

/** Returns the rows of the table under a heading. @throws Error if this heading has no table */
export function rowsUnder(text: string, heading: string): Row[] {
  const table = readTables(text).find((each) => each.heading === heading);
  if (!table) throw new Error(`there is no table under "${heading}"`);
  return table.rows;
}

/** Returns the texts of a cell that are in backticks. */
export function codesOf(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string);
}

/** Returns the anchors that GitHub makes from the headings of a document. */
export function anchorsOf(text: string): string[] {
  const headings = [...withoutFences(text).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading as string);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}

/** Returns the content of the code blocks in one language, such as `json`. */
export function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, block]) => block as string,
  );
}

export function withoutFences(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}

function rowOf(columns: string[], cells: string[]): Row {
  return Object.fromEntries(columns.map((column, index) => [column, cells[index]?.trim() ?? '']));
}
