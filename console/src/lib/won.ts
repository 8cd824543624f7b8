// Won: what the book wins, or loses, in words.

import texts from '../texts/won';
import { amount } from './format';

/** loses, wins, even. won_minor: below 0 it is lost. */
export const wonWord = (won_minor: number): string => (won_minor < 0 ? texts.loses : won_minor > 0 ? texts.wins : texts.even);

/** The same with how much: loses 5,262.00. said: how an amount is written. */
export const wonWords = (won_minor: number, said: (minor: number) => string = amount): string => (won_minor ? `${wonWord(won_minor)} ${said(Math.abs(won_minor))}` : texts.even);
