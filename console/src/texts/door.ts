// What is said at the door, and of the connection.

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

  live: (lag: string) => `live, ${lag}`,
  connecting: 'connecting',
  cut: (why: string) => `cut: ${why}`,
  reconnecting: (since: string) => `reconnecting, as of ${since}`,
} as const;
