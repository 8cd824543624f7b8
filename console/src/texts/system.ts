// What the room of the engine says.

export default {
  title: 'The engine just now',
  wagers: 'wagers',
  accepted: 'accepted',
  perSecond: '/s',
  ms: 'ms',
  commit: 'commit p50 / p99',
  answer: 'answer p99',
  delivery: 'delivery p99',
  screens: 'screens',
  log: 'log',
  asOf: 'as of',
  slow: (what: readonly string[]) => `Slower than it should be: ${what.join(', ')}`,
  chart: { rate: (what: string) => `${what}/s`, commit: 'commit p99', delivery: 'delivery p99, ms (last 10 s, each second)' },
} as const;
