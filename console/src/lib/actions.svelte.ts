// What an operator can do: a command, what has to be written into it, and what is said of it.

import { Refused, commandId, get, send, type Executed, type Happened, type Schemas } from './api';
import type { Kept } from './kept';
import { Layers } from './layers.svelte';
import type { LivePage } from './page.svelte';
import type { Router } from './router.svelte';
import { Toasts } from './toasts.svelte';

export interface Field {
  name: string;
  label: string;
  /** several: any of the choices, with spaces between. */
  kind: 'amount' | 'choice' | 'number' | 'several' | 'text';
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
  /** The command's field in which the reason stands, if it is called otherwise; "" where it takes none. */
  reasonField?: string;
  /** Whether its preview is wanted at once, since all is written. */
  look?: boolean;
}

export interface Done {
  title: string;
  executed: Executed;
  screens: number;
  deliveredMs: number | null;
  /** Takes back what was done, by a command of its own. */
  undo?: () => Promise<void>;
}

/** What is done at once, without a preview: what protects. */
export interface AtOnce {
  title: string;
  command: string;
  fields: Record<string, unknown>;
  /** What takes it back, by the position at which it was done. */
  undo?: (position: number) => AtOnce;
  /** What is said where it was so already. */
  already?: string;
}

/** What is being done on this page: the dialog that is open, what is said of what was done, where the page is. */
export class Desk {
  action = $state.raw<Action | null>(null);
  traced = $state<string | null>(null);
  /** Whether the list of what owes a reason is open. */
  owing = $state(false);
  readonly toasts = new Toasts();
  readonly layers = new Layers();

  constructor(
    private readonly page: LivePage,
    readonly router: Router,
    readonly kept: Kept,
  ) {}

  /** What was done last. */
  get done(): Done | null {
    return this.toasts.last;
  }

  /** Send a command and say what became of it, with its measured path. id: of a command that was sent before. */
  async execute(title: string, command: string, fields: Record<string, unknown>, options: { id?: string; ifPosition?: number } = {}): Promise<Done> {
    const { id = commandId(this.page.serverMs()), ...rest } = options;
    const executed = await send(command, fields, id, rest);
    const delivery = await get<Schemas['Delivery']>(`/v1/delivery?position=${executed.outcome.position}`).catch(() => null);
    return { title, executed, screens: delivery?.screens ?? 0, deliveredMs: delivery?.delivered_ms ?? null };
  }

  /** Do what protects, at once. Taken back it makes a command of its own. */
  async protect({ title, command, fields, undo, already }: AtOnce): Promise<void> {
    try {
      const done = await this.execute(title, command, fields);
      const back = undo?.(done.executed.outcome.position);
      // What was so already is nobody's to take back.
      if (!done.executed.outcome.events.length) this.toasts.tell({ ...done, title: already ?? title });
      else this.toasts.tell(back ? { ...done, undo: () => this.protect(back) } : done);
    } catch (caught) {
      this.toasts.fail(title, caught instanceof Refused ? `${caught.message} (${caught.code})` : String(caught));
    }
  }
}
