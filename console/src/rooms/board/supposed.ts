// What if: the score that stands for an outcome, so that somebody chooses "9 or more" and need not think of one.

import type { Schemas } from '../../lib/api';

export interface Score {
  away: number;
  home: number;
}

/** What the loser of a game is given where only the margin is meant. */
const LOSER = 3;

function byMargin(home: number): Score {
  return home >= 0 ? { away: LOSER, home: LOSER + home } : { away: LOSER - home, home: LOSER };
}

/** A score by which an outcome of a kind of market comes about; a sum is not shared level, since few games end so. */
export function scoreOf(kind: string, one: Schemas['Case']): Score {
  const bound = one.low ?? one.high ?? 0;
  if (kind === 'spread') return byMargin(bound);
  if (kind === 'total') {
    // "8 or fewer" begins at nothing at all, by which few games end.
    const sum = one.low || (one.high ?? 0);
    const away = Math.max(0, Math.ceil(sum / 2) - 1);
    return { away, home: sum - away };
  }
  return byMargin(one.outcome?.startsWith('home') ? 1 : one.outcome?.startsWith('away') ? -1 : 0);
}
