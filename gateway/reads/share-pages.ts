import { type Sharing, shareStatements } from './share-statements.ts';

/** The messages `after + 1` to `last` of a room. */
export interface PageKey {
  roomId: string;
  after: number;
  last: number;
  /** The last message of an ended membership. Undefined for a member. */
  end: number | undefined;
}

interface SharedPage {
  key: PageKey;
  /** The records after `key.after`. */
  records: Promise<string[]>;
}

/**
 * Like `shareStatements`, for pages of records. The clients of the same page share one read while it waits or is in
 * flight. Each gets the records after its own `after`.
 */
export function sharePages(sharing: Sharing<PageKey, string[]>): (key: PageKey) => Promise<string[]> {
  const pages = new Map<string, SharedPage>();
  const started = new WeakSet<PageKey>();
  const read = shareStatements({
    ...sharing,
    readAll: (keys: PageKey[]) => {
      for (const key of keys) started.add(key);
      return sharing.readAll(keys);
    },
  });
  const startRead = (name: string, wanted: PageKey): SharedPage => {
    const key = { ...wanted };
    const page = { key, records: read(key) };
    pages.set(name, page);
    const forget = () => pages.get(name) === page && pages.delete(name);
    page.records.then(forget, forget);
    return page;
  };

  return async (wanted) => {
    const { roomId, after, last, end } = wanted;
    const name = `${roomId} ${last} ${end}`;
    let page = pages.get(name);
    // A read that still waits can begin earlier.
    if (page && !started.has(page.key)) page.key.after = Math.min(page.key.after, after);
    if (!page || page.key.after > after) page = startRead(name, wanted);
    const records = await page.records;
    return records.slice(after - page.key.after);
  };
}
