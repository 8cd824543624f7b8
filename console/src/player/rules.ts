// Rules: what a row of a league's rules says, in sentences.

import type { Schemas } from '../lib/api';
import { points } from '../lib/format';
import account from '../texts/account';

type Rule = Schemas['LeagueRuleRow'];

const says = account.house;
const HALF_INNINGS = 'half-innings';

/** A length in a league's unit: 55 minutes, 4½ innings, half an inning. */
function lengthWords(unit: string, length: number): string {
  if (unit !== HALF_INNINGS) return `${length} ${unit}`;
  return length === 1 ? says.halfInning : says.inningsOf(points(length * 2, false));
}

/** What a rule says: what counts, from when wagers stand, what becomes of them if the game is late. */
export function sentences(rule: Rule): string[] {
  const less = rule.less_if_home_leads;
  const innings = rule.unit === HALF_INNINGS;
  const stand =
    rule.official === null
      ? `${says.scheduled(rule.period === 'game')}${less ? says.lessOfAll(lengthWords(rule.unit, less)) : ''}.`
      : `${says.length(lengthWords(rule.unit, rule.official))}${less ? says.lessIfHome(lengthWords(rule.unit, rule.official - less)) : ''}.`;
  const { by, hours, known_stands } = rule.window;
  return [
    innings ? says.innings(rule.overtime) : says.overtime(rule.overtime),
    stand,
    ...(rule.market === 'total' && rule.decided_stands ? [says.decided] : []),
    by === 'date' ? says.windowDate : says.windowHours(String(hours)),
    known_stands ? says.known : says.unknown,
  ];
}
