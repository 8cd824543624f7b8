// What is done about people: opened, moved, given a role or limits of their own, each with what it comes to in words.

import type { Action, Field } from '../../lib/actions.svelte';
import type { Happened, Schemas } from '../../lib/api';
import { amount, minorOf } from '../../lib/format';
import type { AgentRow, PlayerRow } from '../../lib/page.svelte';
import { permissionWords } from '../../lib/permissions';
import texts from '../../texts/people';

const says = texts.actions;

function choice(name: string, label: string, values: readonly string[], value: string): Field {
  const choices = values.map((one) => ({ value: one, label: one }));
  return { name, label, kind: 'choice', value: values.includes(value) ? value : (values[0] ?? ''), choices };
}

function names(agents: readonly AgentRow[]): string[] {
  return agents.map((one) => one.agent).toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** The dialog that opens a player's account. mayCredit: without, the account begins with no credit. */
export function openingPlayer(agents: readonly AgentRow[], agent: string, mayCredit: boolean, number = ''): Action {
  return {
    title: says.playerTitle,
    about: says.playerAbout,
    command: 'CreatePlayer',
    fields: [
      { name: 'player', label: says.number, kind: 'text', value: number },
      choice('agent', says.under, names(agents), agent),
      ...(mayCredit ? [{ name: 'limit', label: says.credit, kind: 'amount' as const, value: '0' }] : []),
    ],
    make: (values) => {
      const player = values.player?.trim();
      const minor = mayCredit ? minorOf(values.limit ?? '') : 0;
      if (!player) return says.noNumber;
      return typeof minor === 'string' ? minor : { player, agent: values.agent, credit_limit_minor: minor };
    },
    tell: (event) => (event.type === 'PlayerCreated' ? says.playerTold(String(event.player), String(event.agent), amount(Number(event.credit_limit_minor))) : ''),
    reason: '',
    reasonField: '',
  };
}

/** The dialog that adds an agent below another. */
export function openingAgent(agents: readonly AgentRow[], parent: string): Action {
  return {
    title: says.agentTitle,
    about: says.agentAbout,
    command: 'CreateAgent',
    fields: [{ name: 'agent', label: says.agentId, kind: 'text', value: '' }, choice('parent', says.parent, names(agents), parent)],
    make: (values) => {
      const agent = values.agent?.trim();
      return agent ? { agent, parent: values.parent } : says.noAgent;
    },
    tell: (event) => (event.type === 'AgentCreated' ? says.agentTold(String(event.agent), String(event.parent)) : ''),
    reason: '',
    reasonField: '',
  };
}

/** The dialog that lets somebody act for a node. */
export function openingUser(node: string, roles: readonly string[]): Action {
  return {
    title: says.userTitle(node),
    about: says.userAbout,
    command: 'CreateUser',
    fields: [{ name: 'user', label: says.userId, kind: 'text', value: '' }, choice('role', says.role, roles, '')],
    make: (values) => {
      const user = values.user?.trim();
      return user ? { user, node, role: values.role } : says.noUser;
    },
    tell: (event) => (event.type === 'UserCreated' ? says.userTold(String(event.user), String(event.role), String(event.node)) : ''),
    reason: '',
    reasonField: '',
  };
}

/** The dialog that hangs an agent, with all below, under another one. */
export function movingAgent(row: AgentRow, agents: readonly AgentRow[]): Action {
  const others = names(agents).filter((one) => one !== row.agent && one !== row.parent);
  return {
    title: says.moveTitle(row.agent),
    about: says.moveAbout(row.agent, row.parent),
    command: 'MoveAgent',
    fields: [choice('parent', says.parent, others, '')],
    make: (values) => ({ agent: row.agent, parent: values.parent }),
    tell: (event) => (event.type === 'AgentMoved' ? says.moveTold(String(event.agent), String(event.before), String(event.after)) : ''),
    reason: '',
  };
}

/** The dialog that hangs a player under another agent. */
export function movingPlayer(row: PlayerRow, agents: readonly AgentRow[]): Action {
  return {
    title: says.moveTitle(row.player),
    about: says.movePlayerAbout(row.player, row.agent),
    command: 'MovePlayer',
    fields: [choice('agent', says.under, names(agents).filter((one) => one !== row.agent), '')],
    make: (values) => ({ player: row.player, agent: values.agent }),
    tell: (event) => (event.type === 'PlayerMoved' ? says.movePlayerTold(row.player, String(event.before), String(event.after), amount(row.balance_minor), amount(row.pending_minor)) : ''),
    reason: '',
  };
}

/** The dialog that gives a user another role. */
export function assigning(one: Schemas['UserRow'], roles: readonly string[]): Action {
  return {
    title: says.roleTitle(one.user),
    about: says.roleAbout(one.user, one.role),
    command: 'AssignRole',
    fields: [choice('role', says.role, roles.filter((role) => role !== one.role), '')],
    make: (values) => ({ user: one.user, role: values.role }),
    tell: (event) => (event.type === 'RoleAssigned' ? says.roleTold(one.user, String(event.before), String(event.after)) : ''),
    reason: '',
  };
}

/** What may be given: what one holds oneself. */
function given(mine: readonly string[], now: readonly string[]): Field {
  const choices = [...new Set([...mine, ...now])].map((one) => ({ value: one, label: permissionWords(one) }));
  return { name: 'permissions', label: says.permissions, kind: 'several', value: now.join(' '), choices };
}

const listed = (typed = '') => typed.split(' ').filter(Boolean);

/** The dialog that makes a role. mine: what whoever makes it holds. */
export function makingRole(node: string, mine: readonly string[]): Action {
  return {
    title: says.newRoleTitle(node),
    about: says.newRoleAbout,
    command: 'SetRole',
    fields: [{ name: 'role', label: says.roleName, kind: 'text', value: '' }, given(mine, [])],
    make: (values) => {
      const role = values.role?.trim();
      return role ? { role, node, permissions: listed(values.permissions) } : says.noRole;
    },
    tell: roleSet,
    reason: '',
  };
}

/** The dialog that says what a role may do. holders: who has it, as far as one sees them. */
export function settingRole(row: Schemas['RoleRow'], mine: readonly string[], holders: readonly string[]): Action {
  return {
    title: says.setRoleTitle(row.role),
    about: `${says.setRoleAbout(row.node)} ${holdersWords(holders)}`,
    command: 'SetRole',
    fields: [given(mine, row.permissions)],
    make: (values) => ({ role: row.role, node: row.node, permissions: listed(values.permissions) }),
    tell: roleSet,
    reason: '',
  };
}

const NAMED = 8;

/** Whom a change of a role changes. */
function holdersWords(holders: readonly string[]): string {
  if (!holders.length) return says.noHolders;
  return says.holders(holders.slice(0, NAMED).join(', '), Math.max(0, holders.length - NAMED));
}

function roleSet(event: Happened): string {
  if (event.type !== 'RoleSet') return '';
  const [before, after] = [event.before, event.after] as [string[], string[]];
  const without = (some: string[], others: string[]) => some.filter((each) => !others.includes(each)).map(permissionWords).join(', ');
  return says.setRoleTold(String(event.role), without(before, after), without(after, before));
}

function limitsWords(limits: unknown): string {
  const { stake_max_minor: stake, win_max_minor: win, active } = limits as Schemas['PlayerLimits'];
  return says.limitsOf(stake === null ? says.asBook : amount(stake), win === null ? says.asBook : amount(win), active);
}

/** The dialog that sets a player's own limits. */
export function limiting(row: PlayerRow): Action {
  const written = (minor: number | null) => (minor === null ? '' : (minor / 100).toFixed(2));
  const read = (typed = '') => (typed.trim() ? minorOf(typed) : null);
  return {
    title: says.limitsTitle(row.player),
    about: says.limitsAbout,
    command: 'SetPlayerLimits',
    fields: [
      { name: 'stake', label: says.stake, kind: 'number', value: written(row.stake_max_minor) },
      { name: 'win', label: says.win, kind: 'number', value: written(row.win_max_minor) },
      { name: 'active', label: says.active, kind: 'choice', value: row.active ? 'yes' : 'no', choices: [{ value: 'yes', label: says.yes }, { value: 'no', label: says.no }] },
    ],
    make: (values) => {
      const [stake, win] = [read(values.stake), read(values.win)];
      if (typeof stake === 'string') return `${says.stake}: ${stake}`;
      if (typeof win === 'string') return `${says.win}: ${win}`;
      return { player: row.player, stake_max_minor: stake, win_max_minor: win, active: values.active === 'yes' };
    },
    tell: (event) => (event.type === 'PlayerLimitsSet' ? says.limitsTold(row.player, limitsWords(event.before), limitsWords(event.after)) : ''),
    reason: '',
  };
}

/** The dialog that ends a session. */
export function ending(one: Schemas['SessionRow']): Action {
  return {
    title: says.endTitle(one.user),
    about: says.endAbout,
    command: 'EndSession',
    fields: [],
    make: () => ({ session: one.session }),
    tell: (event: Happened) => (event.type === 'SessionEnded' ? says.endTold(one.user) : ''),
    reason: '',
  };
}
