/** The fixed ends of every ruleset, by the names of their chains. */
import { identifier, keyword } from './tokens.ts';

export const drop = keyword('drop');
/** Denied by what its message says, where the policy has that answered. */
export const reset = identifier('verdict.reset');
/** Related, on its way out: the resets that `reset` sends, or what may be related. */
export const sent = identifier('verdict.sent');
export const permit = identifier('verdict.permit');
export const related = identifier('verdict.related');
export const badState = identifier('verdict.state');
export const spoofed = identifier('verdict.spoofed');
export const unrouted = identifier('verdict.unrouted');
