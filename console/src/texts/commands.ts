// What the one-line commands that belong to no room say.

export default {
  void: 'give the stake of a ticket back',
  whichTicket: 'Which ticket? Write its number, such as 4120.',
  noTicket: (word: string) => `There is no ticket ${word} of yours.`,
  move: 'lock a line: 911 total 9 -115, 911 spread -1.5 +120, 911 money -130',
  whichMarket: 'Which market? Write spread, total or money.',
  noMarket: (kind: string) => `The game has no ${kind} on the board.`,
  whichLine: 'Which line? Write one such as 9, 8.5 or -1½.',
  whichPrice: 'Which price? Write one such as -115 or +120.',
  american: 'This market has no American prices: move it on the board.',
  revoke: 'end what a user may do, at once',
  restore: 'let a user act again',
  whichUser: 'Which user? Write their name.',
  noUser: (word: string) => `There is no user ${word} of yours.`,
  alreadySo: (user: string, active: boolean) => (active ? `${user} may act already.` : `${user} is revoked already.`),
} as const;
