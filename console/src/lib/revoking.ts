// Revoking: what is asked to end what a user may do, or to let them act again, and what it comes to in words.

import type { Action } from './actions.svelte';
import type { Schemas } from './api';
import deeds from '../texts/deeds';

const texts = deeds.access;

/** The dialog that revokes a user who may act, and restores one who may not. */
export function revoking(one: Schemas['UserRow'], reason = ''): Action {
  return {
    title: (one.active ? texts.revoke : texts.restore)(one.user),
    about: one.active ? texts.revokeAbout(one.user) : texts.restoreAbout(one.user, one.role),
    command: one.active ? 'RevokeUser' : 'RestoreUser',
    fields: [],
    make: () => ({ user: one.user }),
    tell: (event) =>
      event.type === 'UserRevoked'
        ? texts.revoked(one.user, one.role, one.node, one.sessions)
        : event.type === 'UserRestored'
          ? texts.restored(one.user, one.role)
          : '',
    reason,
  };
}
