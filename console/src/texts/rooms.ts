// What the rooms are called.

export default {
  board: 'Board',
  risk: 'Risk',
  ticker: 'Ticker',
  figures: 'Figures',
  people: 'People',
  results: 'Results',
  log: 'Log',
  system: 'System',
} as const;
