// Permissions: what they are called, and by which of them anything happens.

import texts from '../texts/permissions';

/** Those by which something is done in a book; by the others one only looks. */
const OF_BOOK = [
  'transaction_enter',
  'credit_change',
  'limits_change',
  'player_create',
  'agent_create',
  'agent_move',
  'wager_place',
  'wager_void',
  'line_move',
  'suspend',
  'roles_manage',
  'settings_change',
];
/** Those by which something is done in the house. */
const OF_HOUSE = [
  'suspend',
  'roles_manage',
  'settings_change',
  'lines_post',
  'fixtures_manage',
  'result_enter',
  'result_confirm',
  'book_open',
  'cluster_change',
];

/** A permission in words. */
export const permissionWords = (permission: string): string => texts[permission] ?? permission.replaceAll('_', ' ');

/** Those by which something may have happened where one looks. */
export const permissionsUsed = (isBook: boolean): readonly string[] => (isBook ? OF_BOOK : OF_HOUSE);

/** Whether there is such a permission. */
export const isPermission = (name: string): boolean => Object.hasOwn(texts, name);
