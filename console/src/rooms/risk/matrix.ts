// The matrix of risk: what each game can cost, market by market, the worst first.

import type { Game, Games } from '../../lib/games.svelte';
import { gameWords, marketWords } from '../../lib/format';
import { fixtureOf, pathOf } from '../../lib/market';
import { outcomeWords } from '../../lib/naming';
import type { ExposureRow } from '../../lib/page.svelte';

export interface GameRisk {
  fixture: string;
  /** What it is called, once that is known. */
  game: Game | undefined;
  /** By what follows the game in a market's id: game:total. */
  markets: ReadonlyMap<string, ExposureRow>;
  /** The market that can cost most, of whatever part of the game. */
  worst: ExposureRow;
  risk_minor: number;
  wagers: number;
}

export const worstOf = (row: ExposureRow): number => row.worst.exposure_minor ?? 0;

const sum = (values: Iterable<number>): number => [...values].reduce((all, one) => all + one, 0);

/** The games with money on them, the worst first; among equals by their rotation numbers. */
export function matrix(exposure: readonly ExposureRow[], games: Games): GameRisk[] {
  const found = new Map<string, ExposureRow[]>();
  for (const row of exposure) {
    const fixture = fixtureOf(row.market);
    const rows = found.get(fixture);
    if (rows) rows.push(row);
    else found.set(fixture, [row]);
  }
  return [...found]
    .map(([fixture, rows]) => ({
      fixture,
      game: games.of(fixture),
      markets: new Map(rows.map((row) => [pathOf(row.market), row])),
      worst: rows.reduce((most, row) => (worstOf(row) > worstOf(most) ? row : most)),
      risk_minor: sum(rows.flatMap((row) => Object.values(row.risk_minor))),
      wagers: sum(rows.map((row) => row.wagers)),
    }))
    .sort((a, b) => worstOf(b.worst) - worstOf(a.worst) || (a.game?.rotation ?? 0) - (b.game?.rotation ?? 0) || a.fixture.localeCompare(b.fixture));
}

/** By what a game costs most, in words: total, 9 or more. */
export function worstWords(row: GameRisk, games: Games): string {
  const { worst } = row;
  return [marketWords(worst.market, row.game?.sport), outcomeWords(games, worst.market, worst.worst.outcome ?? '')].filter(Boolean).join(', ');
}

export const nameOf = (row: GameRisk): string => gameWords(row.game, row.fixture);
