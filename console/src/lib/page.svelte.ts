// What the page shows: one stream, applied at most once per painted frame. Nothing here asks the server on a timer.

import { Refused, ask, type Schemas } from './api';
import type { Entry, Health, Notice } from './entries';
import { Games, gameOf } from './games.svelte';
import { Stream, type Frame } from './stream';
import texts from '../texts/door';

export type Me = Schemas['Me'];
export type Market = Schemas['BoardMarket'];
export type Fixture = Schemas['BoardFixture'];
export type ExposureRow = Schemas['Exposure'];
export type AgentRow = Schemas['AgentFigures'];
export type PlayerRow = Schemas['PlayerFigures'];

interface Rows<Row> {
  whole: boolean;
  rows: Row[];
}

const TOPICS: Record<string, string> = {
  wagers: 'ticker_view',
  lines: 'board_view',
  exposure: 'figures_view',
  figures: 'figures_view',
  log: 'log_view',
  notifications: 'log_view',
  health: 'figures_view',
};
const HOUSE_TOPICS = ['lines', 'log', 'notifications', 'health'];
const PLAYERS_TOPICS = ['wagers', 'lines', 'figures'];

const PEOPLE = new Set(['UserCreated', 'UserRevoked', 'UserRestored', 'RoleAssigned', 'RoleSet', 'AgentCreated', 'PlayerCreated', 'AgentMoved', 'PlayerMoved']);
/** So many of the newest entries about tickets are kept, so that whoever comes to the ticker later finds them. */
const PLACED_ROWS = 200;
const SETTLED_ROWS = 500;
const LOG_ROWS = 40;
const NOTICES = 100;
const SERIES_S = 120;
const FRAME_MS = 1_000 / 60;
/** After a paint that took longer than a frame, so many times as long is left to the browser for other things. */
const RESTS = 10;
const REST_MS_MAX = 200;
const BLINK_MS = 900;
const STALE_MS = { health: 3_500, heartbeat: 12_000 };

/** Milliseconds that never jump, whatever becomes of this computer's clock. */
export const nowMs = () => performance.timeOrigin + performance.now();

/** Notices without those that a newer one has made old: where a locked market's house line is, only the last one says. */
function lately(notices: Notice[]): Notice[] {
  const locked = new Set<unknown>();
  return notices.filter(({ kind, event }) => {
    if (kind !== 'locked_line') return true;
    const old = locked.has(event.market);
    locked.add(event.market);
    return !old;
  });
}

export type Connection = 'connecting' | 'live' | 'lost' | 'refused';

export class LivePage {
  connection = $state<Connection>('connecting');
  why = $state('');
  position = $state(0);
  asOfNs = $state(0);
  lagMs = $state(0);
  nowNs = $state(0);
  /** Whether the first image has come: until then nothing is known, and an empty list means nothing. */
  loaded = $state(false);
  /** What has become of tickets lately, the last first; what is settled has a list of its own, since it comes by the hundred. */
  wagers = $state.raw<Entry[]>([]);
  settled = $state.raw<Entry[]>([]);
  log = $state.raw<Entry[]>([]);
  notices = $state.raw<Notice[]>([]);
  /** Until when this user has seen their notices. */
  seenNs = $state(0);
  /** The kinds of notices that this user does not want to be told. */
  silenced = $state.raw<ReadonlySet<string>>(new Set());
  readonly told = $derived(this.notices.filter((one) => !this.silenced.has(one.kind)));
  /** How many they have not seen yet. */
  readonly unseen = $derived(this.told.filter((one) => one.at_ns > this.seenNs).length);
  fixtures = $state.raw<Fixture[]>([]);
  exposure = $state.raw<ExposureRow[]>([]);
  agents = $state.raw<AgentRow[]>([]);
  players = $state.raw<PlayerRow[]>([]);
  /** Whether `players` are all of them: of a large subtree they come as they change. */
  everybody = $state(false);
  health = $state.raw<Health | null>(null);
  /** seconds, accepted/s (a book: wagers/s), commit p99, delivery p99 */
  series = $state.raw<[number[], number[], number[], number[]]>([[], [], [], []]);
  /** market -> until when its prices are marked as just moved (ms) */
  moved = $state.raw<ReadonlyMap<string, number>>(new Map());
  node = $state('');
  /** Grows with every event that changes who is there, where, and who may do what. */
  people = $state(0);
  /** Grows with every image: what happened before it may have been missed. */
  images = $state(0);
  /** Grows with every row of the board on which something is closed or opened. */
  closings = $state(0);
  /** Grows with every row of a game that is not on the board: it has begun, or is over, or a score of it was entered. */
  begun = $state(0);
  readonly games = new Games();

  /** Who is told every entry about tickets, oldest first. */
  private readonly listeners = new Set<(entries: Entry[]) => void>();
  private readonly byFixture = new Map<string, Fixture>();
  private readonly byMarket = new Map<string, ExposureRow>();
  private readonly byAgent = new Map<string, AgentRow>();
  private readonly byPlayer = new Map<string, PlayerRow>();
  private stream: Stream | null = null;
  private frames: Frame[] = [];
  private painting = 0;
  private restUntilMs = 0;
  private heardMs = 0;
  private offsetMs = -Infinity;
  private ticking = 0;
  private lastAccepted = -1;
  /** Wagers that were placed before this screen's eyes: what a book's rate is made of. */
  private placed = 0;
  private lastHealthMs = 0;
  /** Why the server has cut this screen off last: `revoked`, `signed_out`, or "" since it was let in again. */
  private cut = '';

  constructor(
    readonly me: Me,
    private readonly rttMs: number,
    private readonly signedOut: (message: string) => void,
  ) {
    this.ticking = window.setInterval(() => this.tick(), 250);
    this.look(me.node === 'root' ? '' : me.node);
  }

  may(permission: string): boolean {
    return this.me.permissions.includes(permission);
  }

  /** Whether this is a book, not the house: only a book has players and wagers. */
  get isBook(): boolean {
    return this.me.stream !== 'house';
  }

  get topics(): string[] {
    if (this.me.player) return PLAYERS_TOPICS;
    const there = this.isBook ? Object.keys(TOPICS) : HOUSE_TOPICS;
    return there.filter((name) => this.may(TOPICS[name] ?? ''));
  }

  /** Look at a node of one's own subtree; "" for all of it. */
  look(node: string): void {
    this.stream?.close();
    this.node = node;
    this.frames = [];
    this.forget();
    this.connection = 'connecting';
    this.stream = new Stream(this.topics, this.me.player ? '' : node, {
      frame: (frame) => this.take(frame),
      lost: (why) => this.lose(why),
      refused: (code, message) => this.refuse(code, message),
    });
  }

  /** Nothing is known of the node that is looked at now. What games and tickets are called stays. */
  private forget(): void {
    this.loaded = false;
    this.wagers = this.settled = this.log = [];
    this.notices = [];
    this.byMarket.clear();
    this.byAgent.clear();
    this.byPlayer.clear();
    this.exposure = [];
    this.agents = [];
    this.players = [];
  }

  close(): void {
    this.stream?.close();
    window.clearInterval(this.ticking);
    cancelAnimationFrame(this.painting);
  }

  /** Be told every entry about tickets, oldest first. Returns what ends it. */
  hear(listener: (entries: Entry[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A player as they are now; undefined as long as nothing was told of them. */
  player(number: string): PlayerRow | undefined {
    void this.players;
    return this.byPlayer.get(number);
  }

  /** The server's time, as well as it is known here. */
  serverMs(): number {
    return Number.isFinite(this.offsetMs) ? nowMs() + this.offsetMs : Date.now();
  }

  private lose(why: string): void {
    if (this.connection !== 'refused') {
      this.connection = 'lost';
      this.why = why;
    }
  }

  private refuse(code: string, message: string): void {
    this.connection = 'refused';
    this.why = message;
    if (code === 'not_signed_in' || code === 'signed_out') {
      this.signedOut(this.cut === 'revoked' ? texts.revoked : texts.ended);
      return;
    }
    // What this user may see has changed: ask once who they are now.
    ask<Me>('me').catch((error: unknown) => {
      if (error instanceof Refused && (error.code === 'not_permitted' || error.code.startsWith('not_signed'))) {
        this.signedOut(error.message);
      }
    });
  }

  private tick(): void {
    this.nowNs = this.serverMs() * 1e6;
    const silentMs = nowMs() - this.heardMs;
    const allowed = this.topics.includes('health') ? STALE_MS.health : STALE_MS.heartbeat;
    if (this.connection === 'live' && silentMs > allowed) this.lose(texts.why.silent);
    if (this.moved.size && [...this.moved.values()].some((until) => until < nowMs())) {
      this.moved = new Map([...this.moved].filter(([, until]) => until >= nowMs()));
    }
  }

  private take(frame: Frame): void {
    this.heardMs = nowMs();
    if (frame.kind === 'reset') {
      this.cut = frame.data.reason ?? '';
      this.lose(frame.data.reason === 'revoked' ? texts.why.otherThings : (frame.data.reason ?? 'reset'));
      return;
    }
    const serverNs = frame.data.server_ns ?? (frame.data.topics?.health as Health | undefined)?.server_ns;
    if (serverNs) {
      const offset = serverNs / 1e6 - nowMs();
      this.offsetMs = Math.max(this.offsetMs, offset);
      this.lagMs = this.offsetMs - offset + this.rttMs / 2;
    }
    this.cut = '';
    this.connection = 'live';
    this.frames.push(frame);
    this.painting ||= requestAnimationFrame(() => this.paintInTurn());
    // A page in the background paints nothing; what it keeps has a bound all the same.
    if (this.frames.length > 500) this.paint();
  }

  /** Paint, unless the last paint was so long ago only that there would be little time for anything else. */
  private paintInTurn(): void {
    if (nowMs() < this.restUntilMs) {
      this.painting = requestAnimationFrame(() => this.paintInTurn());
      return;
    }
    const began = nowMs();
    this.paint();
    // What the browser does with it (layout, drawing) is over when the next frame begins.
    requestAnimationFrame(() => (this.restUntilMs = began + Math.min((nowMs() - began - FRAME_MS) * RESTS, REST_MS_MAX)));
  }

  /** Apply what has come since the last paint. */
  private paint(): void {
    cancelAnimationFrame(this.painting);
    this.painting = 0;
    const frames = this.frames;
    this.frames = [];
    const wagers: Entry[] = [];
    const log: Entry[] = [];
    const notices: Notice[] = [];
    const dirty = new Set<string>();
    for (const { kind, data } of frames) {
      const topics = data.topics ?? {};
      if (kind === 'image') {
        wagers.length = log.length = notices.length = 0;
        this.wagers = this.settled = this.log = [];
        this.notices = [];
        this.loaded = true;
        this.images += 1;
      }
      const position = data.to ?? data.position;
      if (position !== undefined && kind !== 'heartbeat') this.position = position;
      if (data.at_ns) this.asOfNs = Math.max(this.asOfNs, data.at_ns);
      const seen = this.events<Entry>(topics.wagers);
      if (kind !== 'image') this.placed += seen.filter((entry) => entry.event.type === 'WagerPlaced').length;
      wagers.push(...seen);
      log.push(...this.events<Entry>(topics.log));
      notices.push(...this.events<Notice>(topics.notifications));
      if ((topics.lines as Rows<Fixture> | undefined)?.rows.some((row) => row.status !== 'scheduled')) this.begun += 1;
      if (topics.lines) this.games.learn((topics.lines as Rows<Fixture>).rows);
      if (topics.lines) this.merge(this.byFixture, topics.lines as Rows<Fixture>, (row) => row.fixture, dirty, 'lines');
      if (topics.exposure) this.merge(this.byMarket, topics.exposure as Rows<ExposureRow>, (row) => row.market, dirty, 'exposure');
      if (topics.figures) this.figures(topics.figures as Rows<AgentRow> & { players?: PlayerRow[] }, dirty);
      if (topics.health) this.measure(topics.health as Health);
    }
    for (const entry of [...log.slice(-LOG_ROWS), ...notices.slice(-NOTICES)]) this.games.want(gameOf(entry.event));
    if (log.some((entry) => PEOPLE.has(entry.event.type))) this.people += 1;
    if (wagers.length) this.tell(wagers);
    if (log.length) this.log = [...log.reverse(), ...this.log].slice(0, LOG_ROWS);
    if (notices.length) this.notices = lately([...notices.reverse(), ...this.notices]).slice(0, NOTICES);
    if (dirty.has('lines')) {
      this.fixtures = [...this.byFixture.values()]
        .filter((row) => row.status === 'scheduled')
        .sort((a, b) => a.rotation - b.rotation);
    }
    if (dirty.has('exposure')) {
      this.exposure = [...this.byMarket.values()].filter((row) => row.wagers > 0);
      for (const row of this.exposure) this.games.want(row.market.split(':')[0] ?? '');
    }
    if (dirty.has('figures')) this.agents = [...this.byAgent.values()];
    if (dirty.has('players')) this.players = [...this.byPlayer.values()];
  }

  /** Take what has become of tickets, oldest first. */
  private tell(entries: Entry[]): void {
    const newest = [...entries].reverse();
    const isSettled = (entry: Entry) => entry.event.type === 'WagerSettled';
    const settled = newest.filter(isSettled);
    const others = newest.filter((entry) => !isSettled(entry));
    if (settled.length) this.settled = [...settled, ...this.settled].slice(0, SETTLED_ROWS);
    if (others.length) this.wagers = [...others, ...this.wagers].slice(0, PLACED_ROWS);
    for (const listener of this.listeners) listener(entries);
  }

  private events<Kind>(payload: unknown): Kind[] {
    return (payload as { events?: Kind[] } | undefined)?.events ?? [];
  }

  private merge<Row>(known: Map<string, Row>, sent: Rows<Row>, key: (row: Row) => string, dirty: Set<string>, name: string): void {
    if (sent.whole) known.clear();
    for (const row of sent.rows) {
      if (name === 'lines' && !sent.whole) this.mark(known.get(key(row)) as Fixture | undefined, row as unknown as Fixture);
      known.set(key(row), row);
    }
    dirty.add(name);
  }

  private mark(before: Fixture | undefined, after: Fixture): void {
    const moved = new Map(this.moved);
    for (const market of after.markets) {
      const was = before?.markets.find((one) => one.market === market.market);
      if (was && (was.closed_by !== market.closed_by || was.closed_sides.length !== market.closed_sides.length)) this.closings += 1;
      if (was && JSON.stringify([was.line_quarters, was.prices]) !== JSON.stringify([market.line_quarters, market.prices])) {
        moved.set(market.market, nowMs() + BLINK_MS);
      }
    }
    if (moved.size !== this.moved.size) this.moved = moved;
  }

  private figures(sent: Rows<AgentRow> & { players?: PlayerRow[] }, dirty: Set<string>): void {
    this.merge(this.byAgent, sent, (row) => row.agent, dirty, 'figures');
    if (sent.whole) {
      this.byPlayer.clear();
      this.everybody = !!sent.players?.length;
    }
    for (const row of sent.players ?? []) this.byPlayer.set(row.player, row);
    if (sent.whole || sent.players?.length) dirty.add('players');
  }

  private measure(health: Health): void {
    const at = nowMs();
    const passed = (at - this.lastHealthMs) / 1_000;
    const before = this.health;
    this.health = health;
    const accepted = health.accepted ?? this.placed;
    if (before && this.lastAccepted >= 0 && passed > 0.2 && accepted >= this.lastAccepted) {
      const rate = (accepted - this.lastAccepted) / passed;
      const next = [health.server_ns / 1e9, rate, health.commit_ms_p99, health.delivery_ms_p99];
      this.series = this.series.map((line, place) => [...line, next[place] ?? 0].slice(-SERIES_S)) as typeof this.series;
    }
    this.lastAccepted = accepted;
    this.lastHealthMs = at;
  }
}
