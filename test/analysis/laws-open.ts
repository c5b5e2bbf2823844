/**
 * Questions that the analysis is known to answer otherwise than language.md, each reported.
 *
 * Takes a question about a small plant, gives the report that it falls under in words, undefined for all others. A row goes when the
 * analysis is mended; then the law judges these questions too.
 */
import type { Assert, Flow, TestLine } from '../../src/model/model.ts';
import { containsAddress, noAddresses } from '../../src/net/address-set.ts';
import type { Place, Universe } from './laws-universe.ts';
import { allOf, isOwn, isSelf, namesGateway, ownConversations, sorted } from './laws-verdicts.ts';

/**
 * Whether nothing of a pair is left but a gateway's own addresses, though each side has others, in families that are not common: on every
 * gateway on the path, or for an essential flow on one of them.
 */
function ownFamily(universe: Universe, question: Assert | Flow): boolean {
  const via = 'via' in question ? question.via.addresses : noAddresses;
  const [from, to] = [question.from, question.to].map((side) =>
    universe.in(side?.addresses ?? noAddresses).filter((place) => !containsAddress(via, place.address)),
  );
  if (from === undefined || to === undefined) return false;
  const pairs = sorted(universe, from, to);
  const [chosen, itself] = 'effect' in question ? [allOf(pairs), isSelf] : [pairs.own, isOwn];
  return chosen.some((pair) =>
    universe.path(pair.from, pair.to).some((gateway) => {
      const left = (side: readonly Place[]): boolean => side.some((place) => !itself(gateway, place.address));
      const none = pair.ends.every((ends) => ends.some((place) => itself(gateway, place.address)));
      return none && left(pair.sources) && left(pair.targets);
    }),
  );
}

/** Whether a gateway is asked about peers that are its own addresses, broadcasts or anycasts. */
function asksItself(universe: Universe, { from, to }: Exclude<Assert, { kind: 'every-flow' }> | TestLine): boolean {
  return universe.model.gateways.some((gateway) =>
    [
      [from, to],
      [to, from],
    ].some(
      ([self, peer]) =>
        self !== undefined &&
        peer !== undefined &&
        [...self.gateways, ...self.gatewayAddresses].includes(gateway.name) &&
        universe.in(peer.addresses).some((place) => isSelf(gateway, place.address)),
    ),
  );
}

export function openReport(universe: Universe, question: Assert | TestLine | Flow): string | undefined {
  if ('kind' in question && question.kind === 'every-flow') return undefined;
  if (!('expect' in question) && ownFamily(universe, question)) return 'an end that is only the gateway itself in every common family';
  if ('effect' in question || ('kind' in question && (question.kind === 'hops' || question.kind === 'only-via'))) return undefined;
  if (!namesGateway(question)) return undefined;
  const whole = 'kind' in question ? question.kind === 'always' : question.expect === 'allow';
  if (asksItself(universe, question) && (whole || ownConversations(universe, question).length === 0))
    return 'a gateway that is asked about its own addresses as peers';
  if (universe.model.gateways.some((gateway) => gateway.interfaces.some((face) => face.runs.some((name) => name.startsWith('dhcp')))))
    return 'services of interfaces in the other family';
  return undefined;
}
