/**
 * Questions that the analysis is known to answer otherwise than language.md, each reported.
 *
 * Takes a question about a small plant, gives the report that it falls under in words, undefined for all others. A row goes when the
 * analysis is mended; then the law judges these questions too.
 */
import type { Assert, Flow, TestLine } from '../../src/model/model.ts';
import { isEmpty, noAddresses } from '../../src/net/address-set.ts';
import type { Place, Universe } from './laws-universe.ts';
import { allOf, isSelf, namesGateway, sorted, unmet } from './laws-verdicts.ts';

/** Whether wires lead from one zone to another only through a third. */
function chainedWires(universe: Universe): boolean {
  const names = universe.model.zones.map((zone) => zone.name);
  return names.some((a) => names.some((b) => universe.share(a, b) && names.some((c) => c !== a && universe.share(b, c) && !universe.share(a, c))));
}

/** Whether a neighbour on the wire of a zone that is asked about takes another way than the zone itself. */
function otherWay(universe: Universe, { from, to }: Extract<Assert, { kind: 'never' }>): boolean {
  const names = universe.model.zones.map((zone) => zone.name);
  return sorted(universe, universe.in(from.addresses), universe.in(to.addresses)).over.some((pair) =>
    names.some((other) => {
      const [own, its] = [universe.path(pair.from, pair.to), universe.path(other, pair.to)];
      return universe.share(pair.from, other) && (its.some((gateway) => !own.includes(gateway)) || own.some((gateway) => !its.includes(gateway)));
    }),
  );
}

/**
 * Whether nothing of a pair is left but a gateway's own addresses, though each side has others, in families that are not common: on every
 * gateway on the path, or for an essential flow on one of them.
 */
function ownFamily(universe: Universe, question: Assert | Flow): boolean {
  const [from, to] = [universe.in(question.from?.addresses ?? noAddresses), universe.in(question.to?.addresses ?? noAddresses)];
  const pairs = sorted(universe, from, to);
  return ('effect' in question ? allOf(pairs) : pairs.own).some((pair) =>
    universe.path(pair.from, pair.to).some((gateway) => {
      const left = (side: readonly Place[], zone: string): boolean => side.some((place) => place.zone === zone && !isSelf(gateway, place.address));
      const none = pair.ends.every((ends) => ends.some((place) => isSelf(gateway, place.address)));
      return none && left(from, pair.from) && left(to, pair.to);
    }),
  );
}

export function openReport(universe: Universe, question: Assert | TestLine | Flow): string | undefined {
  if ('kind' in question && question.kind === 'every-flow') return undefined;
  if (!('expect' in question) && ownFamily(universe, question)) return 'an end that is only the gateway itself in every common family';
  if ('effect' in question) return undefined;
  const chain = 'kind' in question && (question.kind === 'hops' || question.kind === 'only-via');
  if (chain && chainedWires(universe)) return 'chains where wires lead on through a third zone';
  if (chain) return undefined;
  if ('kind' in question && question.kind === 'never' && otherWay(universe, question)) return 'a neighbour on the wire that takes another way';
  if (!namesGateway(question)) return undefined;
  if (unmet(universe, question)) return 'a gateway that never meets the other side';
  if ([question.from, question.to].some((side) => side.gateways.length > 0 && isEmpty(side.addresses))) return 'a gateway whose addresses are all dynamic';
  if (universe.model.gateways.some((gateway) => gateway.interfaces.some((face) => face.runs.some((name) => name.startsWith('dhcp')))))
    return 'services of interfaces in the other family';
  return undefined;
}
