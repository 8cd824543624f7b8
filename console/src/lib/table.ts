// Tables: what a column is, and what can be had from rows and columns without a page: order, search, a file.

import type { Snippet } from 'svelte';

export interface Column<Row> {
  id: string;
  title: string;
  /** What the word means, shown on hover. */
  about?: string;
  /** In px; a column without one shares what is left with the others. */
  width?: number;
  /** Figures stand at the right. */
  right?: boolean;
  /** By what it is sorted; null stands last. A column without has nothing to sort, to find or to take along: buttons. */
  value?: (row: Row) => string | number | null;
  /** What is shown, found and taken along, where that is not the value as it is. */
  text?: (row: Row) => string;
  /** How it is drawn, where text is not enough: by the row, and the column's id. */
  cell?: Snippet<[Row, string]>;
  /** Whether its cell lights up by itself, in the part that has changed. */
  parts?: boolean;
  /** What stands below the column, of all rows that are shown. */
  total?: (rows: readonly Row[]) => string;
  /** Not shown until somebody wants it. */
  off?: boolean;
}

export type Order = [column: string, way: 'up' | 'down'];

/** What somebody has chosen of a table. hidden: columns. */
export interface Choice {
  hidden: string[];
  order: Order | null;
  filter: string;
}

/** What a cell says. */
export function textOf<Row>(column: Column<Row>, row: Row): string {
  return column.text?.(row) ?? String(column.value?.(row) ?? '');
}

const collator = new Intl.Collator('en', { numeric: true });

function compare(a: string | number | null, b: string | number | null, sign: number): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return sign * (typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b)));
}

/** Rows in an order; among equals they stay as they were. */
export function ordered<Row>(rows: readonly Row[], columns: readonly Column<Row>[], order: Order | null): readonly Row[] {
  const value = columns.find((one) => one.id === order?.[0])?.value;
  if (!order || !value) return rows;
  const sign = order[1] === 'up' ? 1 : -1;
  return rows
    .map((row) => [value(row), row] as const)
    .sort(([a], [b]) => compare(a, b, sign))
    .map(([, row]) => row);
}

/** The rows in which every typed word is found. */
export function matching<Row>(rows: readonly Row[], typed: string, text: (row: Row) => string): readonly Row[] {
  const wanted = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return rows;
  return rows.filter((row) => {
    const said = text(row);
    return wanted.every((word) => said.includes(word));
  });
}

/** A field of a file. What a spreadsheet would take for a formula is marked as text. */
function field(text: string): string {
  const plain = text.replaceAll('−', '-');
  const safe = /^[=@\t\r]|^[+-](?![\d.])/.test(plain) ? `'${plain}` : plain;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** What is shown, as the text of a CSV file. */
export function csv<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const said = columns.filter((one) => one.value);
  return [said.map((one) => field(one.title)), ...rows.map((row) => said.map((one) => field(textOf(one, row))))].map((line) => line.join(',')).join('\r\n') + '\r\n';
}

/** Hand a file to whoever sits here. */
export function download(name: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(['\ufeff', text], { type: 'text/csv' }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
