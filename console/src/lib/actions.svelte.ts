// What an operator can do: a command, what has to be written into it, and what is said of it.

import type { Executed, Happened } from './api';

export interface Field {
  name: string;
  label: string;
  kind: 'amount' | 'choice' | 'number' | 'text';
  value: string;
  choices?: { value: string; label: string }[];
  /** Whether it is asked for, by what is written in the others. */
  when?: (values: Record<string, string>) => boolean;
}

export interface Action {
  title: string;
  about: string;
  command: string;
  fields: Field[];
  /** The command's fields from what is written; a string says what is wrong. */
  make: (values: Record<string, string>) => Record<string, unknown> | string;
  /** An event that the command would make, in words: what was, what will be. "" leaves it to its fields. */
  tell?: (event: Happened) => string;
  reason: string;
}

export interface Done {
  title: string;
  executed: Executed;
  screens: number;
  deliveredMs: number | null;
}

/** The dialog that is open, and what was done last. */
export class Desk {
  action = $state<Action | null>(null);
  done = $state<Done | null>(null);
  traced = $state<string | null>(null);
}
