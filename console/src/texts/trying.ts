// What can be tried on the demo, and what is said of it.

export default {
  title: 'Try it',
  faster: (day: string, times: string) => `${day}, ${times} times as fast`,
  limit: 'Change a limit',
  revoke: (user: string) => `Revoke or restore ${user}`,
  usual: 'The usual load',
  tenfold: 'Ten times the load',
  kill: 'Kill the engine',
  about: 'Each button acts on the real engine; what it measured is said here.',
  running: (what: string) => `${what} …`,
  reason: 'tried on the page',
  onScreens: (screens: number, time: string) => `, on ${screens} ${screens === 1 ? 'screen' : 'screens'} in ${time}`,
  path: (durable: string, screens: string, position: string) => `durable ${durable}${screens}, log #${position}`,
  noPlayer: 'there is no player',
  credit: (player: string, before: string, after: string) => `Credit of ${player}: ${before} → ${after}`,
  credited: (player: string, limit: string, path: string) => `${player} ${limit}: ${path}`,
  restored: (user: string, path: string) => `${user} may act again: ${path}`,
  revoked: (user: string, position: string, sessions: number, path: string) =>
    `${user} may do nothing from log entry #${position} on; ${sessions} of their sessions ended with it: ${path}. Press again to restore.`,
  tenfoldNow: (rate: string) => `${rate} wagers/s are tried now; watch commit and delivery in System. Press again for the usual load.`,
  usualNow: 'the usual load again',
  notBack: 'it has not come back within 30 s',
  gone: (position: string) => `entry #${position} was acknowledged and is gone`,
  ticket: (number: string) => `ticket #${number}`,
  entry: (position: string) => `entry #${position}`,
  killed: (seconds: string, what: string) => `kill -9, live again after ${seconds} s; ${what}, acknowledged before, is there`,
} as const;
