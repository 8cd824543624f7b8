// Reading: what is asked of the log, and by what an address says it.

import { ask, Refused, type Happened, type Page, type Schemas } from '../../lib/api';
import texts from '../../texts/log';

export type Row = Omit<Schemas['LogRow'], 'event'> & { event: Happened };

/** What stands in the address as the server takes it. */
const AS_IT_IS = ['actor', 'role', 'agent', 'object'] as const;

const TRIES = 8;
const REST_MS = 1_000;

export const rest = (ms: number = REST_MS) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A page of the log. Who looks through much of it waits for their turn. */
export async function pageOf(asked: Record<string, string | number>): Promise<Page<Row>> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask<Row>('log', asked);
    } catch (caught) {
      if (!(caught instanceof Refused && caught.code === 'busy') || tries === TRIES) throw caught;
      await rest();
    }
  }
}

/** A type of event, of what somebody has typed: wager voided. */
export function typeOf(typed: string): string {
  return typed
    .trim()
    .split(/[\s_]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

/** The question; a string says what is wrong with it. */
export function questionOf(query: Record<string, string>): Record<string, string> | string {
  const asked: Record<string, string> = {};
  for (const word of AS_IT_IS) if (query[word]) asked[word] = query[word];
  if (asked.object && !(asked.object.split(':')[0] as string in texts.objects)) return texts.notAsked;
  if (asked.object?.endsWith(':')) delete asked.object;
  if (query.type) asked.type = typeOf(query.type);
  for (const word of ['since', 'until'] as const) {
    if (!query[word]) continue;
    // An address may say anything.
    const at = new Date(query[word]);
    if (Number.isNaN(at.getTime())) return texts.noTime(query[word]);
    asked[word] = at.toISOString();
  }
  return asked;
}

/** A moment a little before an entry, as the server takes it: numbers here are not as fine as its own. */
export const shortlyBefore = (at_ns: number): string => `${Math.floor(at_ns / 1e6) - 1}000000`;

/** Older rows and newer ones, each entry once, the newest first. */
export function joined(newer: readonly Row[], older: readonly Row[]): Row[] {
  const known = new Set(older.map((one) => one.seq));
  return [...newer.filter((one) => !known.has(one.seq)), ...older];
}
