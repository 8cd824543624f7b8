// Router: where the page is. A room has an address (#/risk), and so has what lies in the drawer (#/player/A1021/open): it can be
// sent to a colleague. Which room is behind the drawer, and what lies below in it, stands in the browser's history beside it.

/** Something in the drawer: a player, a ticket, a game. part: which of its pages. */
export interface Place {
  kind: string;
  id: string;
  part: string;
}

interface Where {
  room: string;
  query: Record<string, string>;
  /** The drawer, the uppermost last. */
  stack: Place[];
  /** How many of the stack, from below, stay when something else is looked at. */
  pinned: number;
}

type Address = { room: string; query: Record<string, string> } | { place: Place } | null;

const PARTS = 3;

/** The address of a room. */
export function roomHref(room: string, query: Record<string, string> = {}): string {
  const asked = new URLSearchParams(query).toString();
  return `#/${room}${asked ? `?${asked}` : ''}`;
}

/** The address of an object. */
export function href(kind: string, id: string | number, part = ''): string {
  return `#/${[kind, String(id), part].filter(Boolean).map(encodeURIComponent).join('/')}`;
}

/** A part of an address as it was before it was encoded; what is garbage stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export class Router {
  room = $state('');
  query = $state.raw<Record<string, string>>({});
  stack = $state.raw<Place[]>([]);
  pinned = $state(0);
  /** An address that leads nowhere, as it was given. */
  astray = $state('');

  constructor(
    private readonly home: string,
    private readonly kinds: ReadonlySet<string>,
  ) {
    this.arrive();
  }

  get top(): Place | undefined {
    return this.stack.at(-1);
  }

  /** Follow the browser's back and forward, and addresses that somebody types. Returns what ends it. */
  listen(): () => void {
    const arrive = () => this.arrive();
    window.addEventListener('popstate', arrive);
    return () => window.removeEventListener('popstate', arrive);
  }

  /** Take a link that was clicked. within: it stands in the drawer, so that what it leads to lies above what is there. */
  follow(hash: string, within: boolean): void {
    const next = this.next(hash, within);
    if (next) this.keep(next, 'pushState');
  }

  /** Open an object in the drawer. */
  open(kind: string, id: string | number, part = ''): void {
    this.follow(href(kind, id, part), false);
  }

  /** Go to a room. */
  enter(room: string, query: Record<string, string> = {}): void {
    this.follow(roomHref(room, query), false);
  }

  /** Close what lies uppermost in the drawer. */
  close(): void {
    if (!this.stack.length) return;
    this.astray = '';
    const stack = this.stack.slice(0, -1);
    this.keep({ ...this.where(), stack, pinned: Math.min(this.pinned, stack.length) }, 'pushState');
  }

  /** Keep the drawer as it is whatever else is looked at, or do not any more. */
  pin(): void {
    this.keep({ ...this.where(), pinned: this.pinned >= this.stack.length ? 0 : this.stack.length }, 'replaceState');
  }

  /** Say in the room's address what is looked at in it. "" takes a word away. */
  ask(query: Record<string, string>): void {
    const asked = Object.fromEntries(Object.entries({ ...this.query, ...query }).filter(([, value]) => value));
    this.keep({ ...this.where(), query: asked }, 'replaceState');
  }

  private where(): Where {
    return { room: this.room, query: this.query, stack: this.stack, pinned: this.pinned };
  }

  /** Where the browser has come to: by its history, or by an address alone. */
  private arrive(): void {
    const kept = history.state as Where | null;
    if (kept?.room) return this.show(kept);
    const next = this.next(location.hash, false);
    if (next) this.keep(next, 'replaceState');
  }

  /** Where an address leads from here, null if it is none of ours. */
  private next(hash: string, within: boolean): Where | null {
    if (hash && !hash.startsWith('#/')) return null;
    const address = this.read(hash);
    this.astray = address ? '' : hash;
    const room = this.room || this.home;
    const kept = this.stack.slice(0, within ? this.stack.length : this.pinned);
    if (!address) return { room, query: this.query, stack: this.stack, pinned: this.pinned };
    if ('room' in address) return { ...address, stack: kept, pinned: this.pinned };
    const { place } = address;
    const known = kept.findIndex((one) => one.kind === place.kind && one.id === place.id);
    const below = known < 0 ? kept : kept.slice(0, known);
    return { room, query: this.query, stack: [...below, place], pinned: Math.min(this.pinned, below.length + 1) };
  }

  private read(hash: string): Address {
    const [path = '', asked = ''] = hash.slice(2).split('?');
    const parts = path.split('/').map(decoded);
    const [first = '', id = '', part = ''] = parts;
    if (!path) return { room: this.home, query: {} };
    if (this.kinds.has(first)) return id && parts.length <= PARTS ? { place: { kind: first, id, part } } : null;
    return parts.length === 1 ? { room: first, query: Object.fromEntries(new URLSearchParams(asked)) } : null;
  }

  private keep(next: Where, how: 'pushState' | 'replaceState'): void {
    const top = next.stack.at(-1);
    const address = top ? href(top.kind, top.id, top.part) : roomHref(next.room, next.query);
    const same = address === location.hash && JSON.stringify(next) === JSON.stringify(history.state);
    if (!same) history[how](next, '', this.astray || address);
    this.show(next);
  }

  private show({ room, query, stack, pinned }: Where): void {
    this.room = room;
    this.query = query;
    this.stack = stack;
    this.pinned = pinned;
  }
}
