// Whole: a query over all its pages. (The player's site reads page by page, and is sent none of this.)

import { ask, type Page } from './api';

/** Rows of a query over as many pages as it takes to have so many, or all; `next` says that there are more. */
export async function askAll<Row>(name: string, asked: Record<string, string | number>, most = Number.POSITIVE_INFINITY): Promise<Page<Row>> {
  const items: Row[] = [];
  let after = '';
  let position = 0;
  do {
    const found = await ask<Row>(name, { ...asked, ...(after ? { after } : {}) });
    items.push(...found.items);
    after = found.next;
    position ||= found.position;
  } while (after && items.length < most);
  return { position, items, next: after };
}
