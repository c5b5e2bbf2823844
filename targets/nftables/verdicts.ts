/** The fixed ends of every ruleset, by the names of their chains. */
import { identifier, keyword } from './tokens.ts';

export const drop = keyword('drop');
export const permit = identifier('verdict.permit');
export const related = identifier('verdict.related');
export const badState = identifier('verdict.state');
export const spoofed = identifier('verdict.spoofed');
export const unrouted = identifier('verdict.unrouted');
