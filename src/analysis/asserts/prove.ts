/**
 * Asserts, proved over all packets.
 *
 * Takes the plant's sets, gives for each assert what was quantified over and a diagnostic if it is violated, not
 * enforceable here, or about nothing. What no gateway sees is never called proved (rule 12). A kind of assert is one
 * file beside this one and one row below.
 */
import { assertCodes } from '../../diagnostics/codes/asserts.ts';
import { type Diagnostic, diagnostic } from '../../diagnostics/diagnostic.ts';
import type { Assert } from '../../model/model.ts';
import type { PlantSets, ZonePair } from '../plant-sets.ts';
import { proveAlways } from './always.ts';
import { proveEveryFlow } from './every-flow.ts';
import { proveHops } from './hops.ts';
import { proveNever } from './never.ts';
import { proveOnlyVia } from './only-via.ts';
import { type AssertResult, type AssertStatus, pairWords, type Proof, type Prover } from './proof.ts';

const provers: { readonly [Kind in Assert['kind']]: Prover<Kind> } = {
  never: proveNever,
  always: proveAlways,
  'only-via': proveOnlyVia,
  hops: proveHops,
  'every-flow': proveEveryFlow,
};

/** Pairs that a diagnostic spells out; the rest are counted. */
const mostShown = 6;

export function proveAsserts(plant: PlantSets): { readonly results: AssertResult[]; readonly diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const results = plant.model.asserts.map((assert) => {
    const proof = proofOf(plant, assert);
    const { status, said } = judge(plant, assert, proof);
    if (said !== undefined) diagnostics.push(said);
    return resultOf(assert, proof, status);
  });
  return { results, diagnostics };
}

function proofOf<Kind extends Assert['kind']>(plant: PlantSets, assert: Extract<Assert, { kind: Kind }>): Proof {
  return (provers[assert.kind] as Prover<Kind>)(plant, assert);
}

function resultOf(assert: Assert, proof: Proof, status: AssertStatus): AssertResult {
  return {
    name: assert.name,
    label: assert.label ?? null,
    kind: assert.kind,
    status,
    over: proof.over,
    leftOut: proof.leftOut,
    notEnforceable: pairWords(proof.unseen),
    grades: proof.grades ?? {},
    span: assert.span,
  };
}

function judge(plant: PlantSets, assert: Assert, proof: Proof): { readonly status: AssertStatus; readonly said: Diagnostic | undefined } {
  const { name, span } = assert;
  const { violation } = proof;
  if (violation !== undefined) {
    const { over } = proof;
    const sets =
      over.length === 0
        ? []
        : [`quantified over ${over.slice(0, mostShown).join(', ')}${over.length > mostShown ? ` and ${over.length - mostShown} more` : ''}`];
    const rests = Object.entries(proof.grades ?? {}).map(([gateway, grade]) => `on ${gateway} the answer rests on grade \`${grade}\``);
    const { notes, help, secondary, data } = violation;
    const said = diagnostic(violation.code, span, { name, packet: violation.words }, { notes: [...notes, ...sets, ...rests], help, secondary, data });
    return { status: 'violated', said };
  }
  // Behind the violation: what can be shown to happen is never about nothing.
  if (proof.vacuous !== undefined) {
    const help = ['an invariant about nothing proves nothing: check its selectors'];
    return { status: 'vacuous', said: diagnostic(assertCodes.vacuous, span, { name, why: proof.vacuous }, { help }) };
  }
  if (proof.unseen.length > 0 && !assert.whereEnforced) return { status: 'not enforceable here', said: notEnforceable(plant, assert, proof.unseen) };
  return { status: 'proved', said: undefined };
}

function notEnforceable(plant: PlantSets, assert: Assert, unseen: readonly ZonePair[]): Diagnostic {
  const shown = pairWords(unseen).slice(0, mostShown).join(', ') + (unseen.length > mostShown ? ` and ${unseen.length - mostShown} more` : '');
  const notes = unseen.slice(0, mostShown).map((pair) => {
    const shared = plant.joins.sharedInterface(pair.from, pair.to);
    return shared === undefined
      ? `no gateway joins ${pair.from} and ${pair.to}`
      : `${pair.from} and ${pair.to} share interface ${shared} and reach each other freely`;
  });
  const help = ['put a gateway between them, narrow the assert, or end it in `where enforced`'];
  return diagnostic(assertCodes.notEnforceable, assert.span, { name: assert.name, pairs: shown }, { notes, help });
}
