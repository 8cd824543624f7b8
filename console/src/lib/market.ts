// Market: the parts of a market's id, which is `game:period:kind`.

/** The kinds that stand first, in their order. */
export const MAIN_KINDS: readonly string[] = ['spread', 'total', 'moneyline'];

export const fixtureOf = (market: string): string => market.split(':')[0] ?? '';

export const periodOf = (market: string): string => market.split(':')[1] ?? '';

export const kindOf = (market: string): string => market.split(':')[2] ?? '';

/** What it is within its game: `1h:total`. */
export const pathOf = (market: string): string => market.slice(market.indexOf(':') + 1);
