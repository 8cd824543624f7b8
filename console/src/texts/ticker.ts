// What the ticker and a ticket's page say.

export default {
  player: 'Player',
  agent: 'Agent',
  wager: 'Wager',
  game: 'Game',
  risk: 'Risk',
  win: 'To win',
  returned: 'Returned',
  placed: 'Placed',
  by: (writer: string, channel: string) => `by ${writer}, ${channel}`,
  status: 'Status',
  void: 'Void',
  voidAbout: (who: string, selection: string, risk: string) => `${who}, ${selection}, risk ${risk}. The stake is given back.`,
  voidTold: (number: string, who: string, risk: string) => `Ticket #${number} of ${who}: open → void; ${risk} is at risk no more.`,
} as const;
