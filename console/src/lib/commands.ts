// Commands in one line, as the palette takes them: `credit A1021 500 weekly review`.

import type { Action, AtOnce } from './actions.svelte';
import type { LivePage } from './page.svelte';

export interface Command {
  /** Its first word. */
  name: string;
  /** What follows, in capitals: PLAYER AMOUNT REASON. */
  wants: string;
  about: string;
  may: (page: LivePage) => boolean;
  /** What the words after the first come to: something to preview, something to do at once, or a string that says what is missing. */
  read: (words: readonly string[], page: LivePage) => Promise<Action | AtOnce | string> | Action | AtOnce | string;
}

export const isAtOnce = (found: Action | AtOnce): found is AtOnce => !('make' in found);
