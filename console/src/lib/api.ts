// The door: queries and commands, with the server's own codes as errors.

import type { components } from './api-types';
import { presence } from './presence.svelte';
import texts from '../texts/door';

export type Schemas = components['schemas'];

/** What the server refuses, or what became of a request that did not reach it (`unreachable`). */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly details: Record<string, unknown> = {},
    readonly position = 0,
  ) {
    super(message);
  }
}

/** After these, and after what a proxy says of a server that fails, nobody knows what became of a command. */
const UNSURE = /^(unreachable|unavailable|busy|http_5\d\d)$/;
/** These say nothing of what was sent before the session ended. */
const SIGNED_OUT = /^(not_signed_in|signed_out|password_needed)$/;

/** Whether nobody knows what became of a command: the same may be sent again, with the same id, and is done once. already: whether that
 * was so before it was sent the last time. */
export function isUnsure(caught: unknown, already: boolean): boolean {
  // An answer that cannot be read says nothing either.
  return !(caught instanceof Refused) || UNSURE.test(caught.code) || (already && SIGNED_OUT.test(caught.code));
}

/** A command's id: a UUIDv7 on the server's clock, however wrong this computer's own is. */
export function commandId(nowMs: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let rest = Math.floor(nowMs);
  for (let place = 5; place >= 0; place--) {
    bytes[place] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** A server that has not answered by then is as good as gone; the same command may be sent again. */
const ANSWER_MS_MAX = 15_000;

const QUESTION_TRIES = 4;
const TRY_AGAIN_MS = 250;

/** The answer, however it is. A question is asked again where the connection has failed, and where one has had one's share for the
 * moment; a command is not, its sender decides. */
async function answered(path: string, options: RequestInit): Promise<Response> {
  for (let tries = options.method === 'POST' ? QUESTION_TRIES : 1; ; tries++) {
    const last = tries >= QUESTION_TRIES;
    let pause = TRY_AGAIN_MS;
    try {
      const response = await fetch(path, { credentials: 'same-origin', signal: AbortSignal.timeout(ANSWER_MS_MAX), ...options });
      if (response.status !== 429 || last) return response;
      pause = 1_000 * Number(response.headers.get('retry-after')) || pause;
    } catch {
      if (last) throw new Refused('unreachable', texts.unreachable);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function request(path: string, options: RequestInit): Promise<Response> {
  const response = await answered(path, options);
  if (response.ok) return response;
  let found: { error?: { code: string; message: string; details?: Record<string, unknown> }; position?: number } = {};
  try {
    found = await response.json();
  } catch {
    // A proxy may answer in its own words.
  }
  const error = found.error;
  throw new Refused(
    error?.code ?? `http_${response.status}`,
    error?.message ?? texts.answered(response.status),
    error?.details,
    found.position,
  );
}

export interface Page<Row> {
  position: number;
  house?: number;
  items: Row[];
  next: string;
}

/** A query's page. */
export async function ask<Row>(name: string, asked: Record<string, string | number> = {}): Promise<Page<Row>> {
  const query = new URLSearchParams(Object.entries(asked).map(([key, value]) => [key, String(value)]));
  return (await request(`/v1/${name}?${query}`, {})).json();
}

/** Who is signed in, null if nobody is. (To that route it is no fault if nobody is, and so the browser notes none.) */
export async function signedIn(): Promise<Schemas['Me'] | null> {
  const response = await request('/v1/session', {});
  return response.status === 204 ? null : response.json();
}

export interface Happened {
  type: string;
  [field: string]: unknown;
}

export interface Outcome {
  position: number;
  events: Happened[];
  repeated?: boolean;
  preview?: boolean;
  moves?: Schemas['Moves'];
}

export interface Executed {
  outcome: Outcome;
  command: string;
  durableMs: number;
  answerMs: number;
}

const path = (name: string) => name.replace(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase();

/** Do what a person wants; where the server wants the password first, the same again once it was given. */
async function present<Answer>(act: () => Promise<Answer>): Promise<Answer> {
  try {
    return await act();
  } catch (caught) {
    const wanted = caught instanceof Refused && caught.code === 'password_needed';
    if (wanted && (await presence.prove())) return present(act);
    throw caught;
  }
}

/** Send a command. The same id sent again is executed once. */
export async function send(
  name: string,
  fields: Record<string, unknown>,
  id: string,
  options: { preview?: boolean; ifPosition?: number } = {},
): Promise<Executed> {
  const query = new URLSearchParams();
  if (options.preview) query.set('preview', 'true');
  if (options.ifPosition !== undefined) query.set('if_position', String(options.ifPosition));
  return present(async () => {
    const began = performance.now();
    const response = await request(`/v1/${path(name)}?${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': id },
      body: JSON.stringify(fields),
    });
    const outcome: Outcome = await response.json();
    const answerMs = performance.now() - began;
    const timing = /durable;dur=([\d.]+)/.exec(response.headers.get('server-timing') ?? '');
    return { outcome, command: id, durableMs: timing ? Number(timing[1]) : answerMs, answerMs };
  });
}

export async function post<Answer>(route: string, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return present(async () => (await request(route, { method: 'POST', headers, body: JSON.stringify(body) })).json());
}

export async function get<Answer>(route: string): Promise<Answer> {
  return (await request(route, {})).json();
}
