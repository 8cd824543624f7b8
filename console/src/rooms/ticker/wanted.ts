// Wanted: by what tickets are picked on the ticker and in the search, as people write it and as the server takes it.

import { minorOf } from '../../lib/format';
import { kindOf } from '../../lib/market';
import type { LivePage } from '../../lib/page.svelte';
import { below } from '../../lib/tree';
import texts from '../../texts/ticker';
import type { Row } from './rows';

/** The words of the ticker's filters, in its address and as they are kept. */
export const FILTERS = ['least', 'agent', 'player', 'sport', 'game', 'kind', 'channel'] as const;
export type Wanted = Partial<Record<(typeof FILTERS)[number], string>>;

export const CHANNELS = ['web', 'clerk', 'phone', 'api'];
/** The kinds of markets, as the ids of markets end. */
export const KINDS = ['moneyline', 'spread', 'total', 'three_way', 'draw_no_bet'];

/** A least amount and a rotation number as the server takes them; a string says what is wrong with one. */
export function narrowed(page: LivePage, { least, game }: { least?: string; game?: string }): Record<string, string> | string {
  const asked: Record<string, string> = {};
  if (game) {
    const number = Number(game);
    const found = page.fixtures.find((one) => one.rotation === number || one.rotation + 1 === number) ?? page.games.withRotation(number);
    if (!found) return texts.noGame(game);
    asked.fixture = found.fixture;
  }
  if (least) {
    const minor = minorOf(least);
    if (typeof minor === 'string') return minor;
    asked.least_minor = String(minor);
  }
  return asked;
}

/** The question that the server is asked for the ticker; a string says what is wrong. */
export function questionOf(page: LivePage, wanted: Wanted): Record<string, string> | string {
  const asked = narrowed(page, wanted);
  if (typeof asked === 'string') return asked;
  for (const word of ['agent', 'player', 'sport', 'channel'] as const) if (wanted[word]) asked[word] = wanted[word];
  if (!asked.agent && page.node) asked.agent = page.node;
  return asked;
}

/** Whether a row is one of those that are wanted. asked: the question for them. */
export function passing(page: LivePage, wanted: Wanted, asked: Record<string, string>): (row: Row) => boolean {
  const least = Number(asked.least_minor ?? 0);
  const agents = wanted.agent ? below(page.agents, wanted.agent) : null;
  return (row) =>
    row.risk_minor >= least &&
    (!agents || agents.has(row.agent)) &&
    (!wanted.player || row.player === wanted.player) &&
    (!wanted.sport || row.sport === wanted.sport) &&
    (!asked.fixture || row.market.startsWith(`${asked.fixture}:`)) &&
    (!wanted.kind || kindOf(row.market) === wanted.kind) &&
    (!wanted.channel || row.channel === wanted.channel);
}
