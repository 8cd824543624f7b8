// What is said at the door, of the connection, and of parts that are loaded: by desk and player's site alike.

export default {
  product: 'Runline',
  about: 'Sign in to your book.',
  again: 'Sign in again',
  book: 'Book',
  user: 'User',
  password: 'Password',
  signIn: 'Sign in',
  signingIn: 'Signing in …',

  there: 'Are you still there?',
  thereAbout: 'Nobody has used this screen for a while. What you wrote is kept, and is sent once you have given your password.',
  passwordOf: (user: string) => `Password of ${user}`,
  notNow: 'Not now',
  goOn: 'Go on',
  checking: 'Checking …',

  loading: 'Loading …',
  notLoaded: 'This part of the page could not be loaded: the server cannot be reached, or has been renewed since.',
  loadAgain: 'Load the page again',
  theme: { system: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark' },

  live: (lag: string) => `live, ${lag}`,
  connecting: 'connecting',
  cut: (why: string) => `cut: ${why}`,
  reconnecting: (since: string) => `reconnecting, as of ${since}`,

  unreachable: 'The server cannot be reached. Nothing is known to have changed.',
  answered: (status: number) => `The server answered ${status}.`,
  refuses: 'The server refuses this.',
  revoked: 'Your access has been revoked, and this session with it. Whoever gave it to you can restore it; what you wrote is kept.',
  ended: 'Your session has ended. Sign in again; what you wrote is kept.',
  /** Why the connection is cut. */
  why: {
    silent: 'nothing is heard from the server',
    otherThings: 'what you may see has changed',
    unreachable: 'the server cannot be reached',
    answered: (status: number) => `the server answered ${status}`,
    gap: 'something was lost on the way: it begins anew',
    over: 'the connection has ended',
  },
} as const;
