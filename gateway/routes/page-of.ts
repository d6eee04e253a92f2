import { limits } from '../../shared/contract/limits.ts';
import type { ListPage } from '../../shared/contract/requests.ts';

/**
 * Returns the page of a list that a query asks for. The first page is 1.
 * @param listSize the size of the answer to a query without a page and a size
 */
export function pageOf({ page, size }: ListPage, listSize: number): { page: number; size: number } {
  if (page === undefined && size === undefined) return { page: 1, size: listSize };
  return { page: page ?? 1, size: size ?? limits.DEFAULT_PAGE_SIZE };
}
