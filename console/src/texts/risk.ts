// What the room of risk says, and whatever else tells what a side costs.

export default {
  title: 'Risk',
  label: 'Games with open wagers, the worst first',
  about: (whole: string) => `If that side wins, the book … A bar ends at ${whole}.`,
  game: 'Game',
  worst: 'At worst',
  worstAbout: 'The most that the book loses on one market of the game by any final score',
  kinds: { spread: 'Spread', total: 'Total', moneyline: 'Money', three_way: 'Three way', draw_no_bet: 'Draw no bet' } as Record<string, string>,
  wagers: 'Wagers',
  risk: 'At risk',
  starts: 'Starts',
  period: 'Period',
  none: (whose: string) => `No wager of ${whose} is open.`,
  marketOf: (market: string, game: string) => `${market} of ${game}:`,

  view: 'Whose view',
  whole: 'whole book',
  below: 'Right below',
  agent: (name: string) => `agent ${name}`,
  player: (number: string) => `player ${number}`,
  sums: (pending: string, wagers: string) => `${pending} at risk on ${wagers} open wagers`,
  sumOf: (pending: string) => `${pending} at risk`,
  who: 'Agent or player',
  whoHint: 'A1, A1021',
  noSuch: (typed: string) => `There is no agent or player ${typed} of yours.`,
  up: (name: string) => `Back up to ${name}`,
  pending: (name: string, amount: string) => `${name}: ${amount} at risk`,

  suspend: 'suspend the game in hand, at once',
  whatIf: 'what if: a result of the game in hand',
  goUp: 'the view one node up',
} as const;
