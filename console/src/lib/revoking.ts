// Revoking: what is asked to end what a user may do, or to let them act again, and what it comes to in words.

import type { Action } from './actions.svelte';
import type { Schemas } from './api';

/** The dialog that revokes a user who may act, and restores one who may not. */
export function revoking(one: Schemas['UserRow'], reason = ''): Action {
  return {
    title: `${one.active ? 'Revoke' : 'Restore'} ${one.user}`,
    about: one.active
      ? `Everything that ${one.user} may do ends with the event: no later command is accepted, their screens are cut.`
      : `${one.user} may act again as ${one.role}, after signing in.`,
    command: one.active ? 'RevokeUser' : 'RestoreUser',
    fields: [],
    make: () => ({ user: one.user }),
    tell: (event) =>
      event.type === 'UserRevoked'
        ? `${one.user}, ${one.role} at ${one.node}: may act → revoked; ${one.sessions} of their sessions end`
        : event.type === 'UserRestored'
          ? `${one.user}: revoked → may act again as ${one.role}`
          : '',
    reason,
  };
}
