// Reading: what is asked of the log, and by what an address says it.

import { ask, Refused, type Happened, type Page, type Schemas } from '../../lib/api';
import { isPermission } from '../../lib/permissions';
import texts from '../../texts/log';

export type Row = Omit<Schemas['LogRow'], 'event'> & { event: Happened };

/** What stands in the address as the server takes it. */
const AS_IT_IS = ['actor', 'role', 'permission', 'agent', 'object'] as const;

const REST_MS = 1_000;
/** Between two tries to reach a server that does not answer. */
const AGAIN_MS = 5_000;
/** What is said of the asking, not of what was asked: it may be answered yet. */
const PASSES = /^(busy|unreachable|unavailable|not_signed_in|signed_out|http_5\d\d)$/;

export const rest = (ms: number = REST_MS) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A page of the log, asked for until it is answered or refused. waits: whether it is wanted still; it is told why there is no answer
 * yet, "" where one only has to wait for one's turn. */
export async function pageOf(asked: Record<string, string | number>, waits: (why: string) => boolean = (why) => !why): Promise<Page<Row>> {
  for (;;) {
    try {
      return await ask<Row>('log', asked);
    } catch (caught) {
      const refused = caught instanceof Refused ? caught : new Refused('unreachable', String(caught));
      const turn = refused.code === 'busy';
      if (!PASSES.test(refused.code) || !waits(turn ? '' : refused.message)) throw refused;
      await rest(turn ? REST_MS : AGAIN_MS);
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
  if (asked.permission && !isPermission(asked.permission)) return texts.notAsked;
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
