// Protecting: what is suspended at once, without a question. It is never reopened by itself; undone, only the layer just made goes.

import type { Action, AtOnce, Desk } from './actions.svelte';
import type { Layer } from './layers.svelte';
import type { LivePage } from './page.svelte';
import texts from '../texts/shell';

/** The reason of what was done in a hurry; a better one is owed. */
export const QUICK = 'quick';

/** What suspends a scope (as the API has it: all, league, fixture, market, agent, player …), and takes it back. name: in words. */
export function suspending(scope: string, subject: string, name: string): AtOnce {
  return {
    title: texts.suspended(name),
    command: 'Suspend',
    fields: { scope, subject, reason: QUICK },
    already: texts.already(name),
    undo: (layer_seq) => ({ title: texts.reopened(name), command: 'Reopen', fields: { scope, subject, reason: texts.undo, layer_seq } }),
  };
}

/** What says why a layer closes what it closes, after all. */
export function reasoning({ scope, subject, layer_seq }: Layer, name: string, reason: string): AtOnce {
  return { title: texts.reasoned(name), command: 'AddReason', fields: { scope, subject, layer_seq, reason } };
}

/** The dialog that takes such a layer away. */
export function reopening(scope: string, subject: string, name: string, reason = ''): Action {
  return {
    title: texts.reopenWhat(name),
    about: texts.reopenAbout,
    command: 'Reopen',
    fields: [],
    make: () => ({ scope, subject }),
    tell: (event) => (event.type === 'Reopened' ? texts.layerGone(name) : ''),
    reason,
    look: true,
  };
}

/** Whether this user closes betting on what is on the board: only whoever acts for the whole book or the house. */
export function maySuspendBoard(page: LivePage): boolean {
  return page.may('suspend') && page.me.node === 'root';
}

export function suspendNow(desk: Desk, scope: string, subject: string, name: string): Promise<void> {
  return desk.protect(suspending(scope, subject, name));
}
