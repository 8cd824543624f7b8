// Score: what is written into the sheet of a game, and the score that it comes to.

import type { Schemas } from '../../lib/api';
import type { Score } from '../../lib/games.svelte';
import texts from '../../texts/results';

export type Layout = Schemas['LayoutRow'];
export type Side = 'away' | 'home';
export type Ending = 'final' | 'called' | 'going';

export const SIDES: readonly Side[] = ['away', 'home'];

/** What is written: points by period, regulation first, then what came after it. */
export interface Draft {
  /** Which of the league's ways to divide regulation. */
  layout: number;
  ending: Ending;
  /** How much was played, of a game that was called. */
  length: string;
  /** Whether only the whole game's points are written, and of those whether regulation ended level. */
  whole: boolean;
  level: boolean;
  total: Record<Side, string>;
  points: Record<Side, string[]>;
}

/** What is wrong, and in which cell (its place; `total` the last row), if in one. */
export interface Wrong {
  why: string;
  side?: Side;
  place?: number | 'total';
}

export const isWrong = (found: Score | Wrong): found is Wrong => 'why' in found;

/** What a period is called: Inning 4, Overtime 2. */
export function periodName(layout: Layout, place: number): string {
  if (place < layout.periods) return `${texts.periods[layout.layout] ?? layout.layout} ${place + 1}`;
  if (layout.extras_listed) return `${texts.periods[layout.layout] ?? layout.layout} ${place + 1}`;
  return `${texts.overtime} ${place - layout.periods + 1}`;
}

const blank = (count: number): Record<Side, string[]> => ({ away: Array<string>(count).fill(''), home: Array<string>(count).fill('') });

/** An empty sheet, or the one of a score that is known. */
export function draftOf(score: Score | null, layouts: readonly Layout[]): Draft {
  const place = Math.max(layouts.findIndex((one) => one.periods === score?.scheduled), 0);
  const layout = layouts[place];
  const count = layout?.periods ?? 0;
  const draft: Draft = { layout: place, ending: 'final', length: '', whole: !layout, level: false, total: { away: '', home: '' }, points: blank(count) };
  if (!score) return draft;
  draft.ending = !score.final ? 'going' : score.length !== null && score.length !== undefined ? 'called' : 'final';
  draft.length = String(score.length ?? '');
  draft.level = !!score.level_after_regulation;
  draft.total = { away: String(score.away), home: String(score.home) };
  const regulation = score.periods ?? [];
  const parts = [...regulation, ...Array<null>(Math.max(count - regulation.length, 0)).fill(null), ...(score.overtime ?? [])];
  draft.whole = !regulation.length;
  if (!draft.whole) {
    draft.points = {
      home: parts.map((one) => (one ? String(one[0]) : '')),
      away: parts.map((one) => (one ? String(one[1]) : '')),
    };
  }
  return draft;
}

/** Points as they are typed; null where nothing is. An x is of a half-inning that was not played. */
function pointsOf(typed: string): number | null | undefined {
  const text = typed.trim().toLowerCase();
  if (!text) return null;
  if (text === 'x') return 0;
  return /^\d{1,4}$/.test(text) ? Number(text) : undefined;
}

/** The sum of what is written so far on a side. */
export function sumOf(draft: Draft, side: Side): number {
  return draft.points[side].reduce((sum, typed) => sum + (pointsOf(typed) ?? 0), 0);
}

/** The score that is written, or what is wrong with it. */
export function scoreOf(draft: Draft, layout: Layout | undefined, team: Record<Side, string>): Score | Wrong {
  const length = draft.ending === 'called' ? pointsOf(draft.length) : null;
  if (draft.ending === 'called' && typeof length !== 'number') return { why: texts.wrong.length };
  const scheduled = draft.layout > 0 && layout ? layout.periods : null;
  const about = { length: length ?? null, final: draft.ending !== 'going', scheduled, level_after_regulation: false };
  if (draft.whole || !layout) {
    for (const side of SIDES) {
      const points = pointsOf(draft.total[side]);
      if (typeof points === 'number') continue;
      const cell = texts.cell(texts.total, team[side]);
      return { why: points === null ? texts.wrong.missing(cell) : texts.wrong.number(cell), side, place: 'total' };
    }
    const [away, home] = SIDES.map((side) => pointsOf(draft.total[side]) ?? 0) as [number, number];
    return { ...about, home, away, periods: null, overtime: null, level_after_regulation: draft.level };
  }
  return ofPeriods(draft, layout, team, about);
}

function ofPeriods(draft: Draft, layout: Layout, team: Record<Side, string>, about: Omit<Score, 'home' | 'away' | 'periods' | 'overtime'>): Score | Wrong {
  const rows = draft.points.away.map((typed, place) => ({ away: pointsOf(typed), home: pointsOf(draft.points.home[place] ?? '') }));
  for (const [place, row] of rows.entries()) {
    for (const side of SIDES) if (row[side] === undefined) return { why: texts.wrong.number(texts.cell(periodName(layout, place), team[side])), side, place };
  }
  const played = rows.findLastIndex((row) => row.away !== null || row.home !== null) + 1;
  if (!played) return { why: texts.wrong.nothing, side: 'away', place: 0 };
  const whole = draft.ending === 'final' ? Math.max(played, layout.periods) : played;
  const pairs: [number, number][] = [];
  for (const [place, { away, home }] of rows.slice(0, whole).entries()) {
    const name = periodName(layout, place);
    if (away === null && home === null && place < played) return { why: texts.wrong.gap(name), side: 'away', place };
    // Who bats last and leads need not bat.
    const needless = layout.extras_listed && place === whole - 1 && away !== null && draft.ending !== 'going';
    if (typeof away !== 'number') return { why: texts.wrong.missing(texts.cell(name, team.away)), side: 'away', place };
    if (typeof home !== 'number' && !needless) return { why: texts.wrong.missing(texts.cell(name, team.home)), side: 'home', place };
    pairs.push([home ?? 0, away]);
  }
  const periods = layout.extras_listed ? pairs : pairs.slice(0, layout.periods);
  const overtime = layout.extras_listed ? [] : pairs.slice(layout.periods);
  const sum = (place: 0 | 1) => pairs.reduce((total, pair) => total + pair[place], 0);
  return { ...about, home: sum(0), away: sum(1), periods, overtime: overtime.length ? overtime : null };
}

const plain = (score: Score) => JSON.stringify([score.home, score.away, score.periods ?? [], score.overtime ?? [], score.length ?? null, score.final ?? true, score.scheduled ?? null, !!score.level_after_regulation]);

/** Whether two scores say the same. */
export const sameScore = (a: Score | null | undefined, b: Score | null | undefined): boolean => (a && b ? plain(a) === plain(b) : !a && !b);

/** A score as it is read, the visitor first. */
export function scoreWords(score: Score): string {
  return `${score.away}–${score.home}${score.final === false ? ` (${texts.states.going})` : ''}`;
}
