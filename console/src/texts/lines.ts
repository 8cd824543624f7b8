// What is said of lines, of markets and why they are closed, and of amounts and times.

export default {
  spreads: { baseball: 'run line', hockey: 'puck line', soccer: 'Asian handicap' } as Record<string, string>,
  periods: {
    '1h': '1st half',
    '2h': '2nd half',
    q1: '1st quarter',
    q2: '2nd quarter',
    q3: '3rd quarter',
    q4: '4th quarter',
    'baseball 1h': 'first 5 innings',
    'baseball 2h': 'after 5 innings',
    'hockey q1': '1st period',
    'hockey q2': '2nd period',
    'hockey q3': '3rd period',
  } as Record<string, string>,
  /** A market of a part of a game: 1st half total. */
  partOf: (period: string, market: string) => `${period} ${market}`,
  game: (rotation: number, away: string, home: string) => `${rotation} ${away} at ${home}`,
  draw: (game: string) => `${game} draw`,

  offBoard: 'off the board',
  locked: 'locked at our own line',
  hidden: 'taken off the board',
  cents: (sign: string, cents: number) => `${sign}${cents} cents`,
  offset: (parts: string[]) => `${parts.join(' and ') || 'an offset of nothing'} on the house`,
  sideSuspended: 'side suspended',
  sidesSuspended: (name: string, sides: string[]) => `${name}: ${sides.join(', ')} suspended`,
  /** Why something takes no wagers, by the layer that closes it. */
  closed: {
    past_cutoff: () => 'started',
    postponed: () => 'postponed',
    all: () => 'everything suspended',
    // Whose lines they are is nobody's business but the house's.
    feed: () => 'suspended at the source',
    silence: () => 'waits for a new line',
    sport: (subject) => `all ${subject} suspended`,
    league: (subject) => `${subject} suspended`,
    fixture: () => 'game suspended',
    market: () => 'suspended',
    selection: () => 'both sides suspended',
    kind: (subject) => `every ${subject.replaceAll('_', ' ')} suspended`,
    agent: (subject) => `betting suspended for ${subject}`,
    player: (subject) => `betting suspended for ${subject}`,
    account: () => 'account inactive',
  } as Record<string, (subject: string) => string>,
  /** Why a line of the book's own is not offered: by how it departs, or by what the house has. */
  own: {
    hide: 'taken off the board',
    offset: 'our offset does not fit',
    lock: 'our locked line does not fit',
    withdrawn: 'off the board at the house',
    refused: 'off the board: the house was sent no line',
    held: 'off the board: the house looks at its line',
    waiting: 'off the board: waits for a new line',
  } as Record<string, string>,

  noAmount: 'Write an amount such as 250 or 1,250.50.',
  started: 'started',
  hours: (hours: number, minutes: number) => `${hours} h ${String(minutes).padStart(2, '0')} min`,
  ms: (value: string) => `${value} ms`,
};
