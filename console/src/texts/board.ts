// What the board and a game's page say.

export default {
  starts: 'Starts',
  lines: 'Lines',
  exposure: 'Exposure',
  tickets: 'Tickets',
  ticketsOf: (game: string) => `Tickets on ${game}`,
  noTickets: 'No ticket is on this game.',
  ticket: 'Ticket',
  player: 'Player',
  wager: 'Wager',
  risk: 'Risk',
  win: 'To win',
  status: 'Status',
  suspend: 'Suspend',
  market: 'Market',
  offered: 'Offered',
  closed: 'closed',
} as const;
