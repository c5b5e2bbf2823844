/** Groups and services that nothing names, and hosts that nothing names and no allow reaches. */
import { lintCodes } from '../../diagnostics/codes/lint.ts';
import { diagnostic } from '../../diagnostics/diagnostic.ts';
import { addressesMeet, unionAddresses } from '../../net/address-set.ts';
import type { Lint } from './lint.ts';

export const unused: Lint = (plant) => {
  const { model } = plant;
  // A file that others include, checked alone, names little of what it declares.
  if (model.unused.length === 0 || model.gateways.length === 0) return [];
  const ends = [
    ...model.flows.flatMap((flow) => (flow.effect === 'allow' ? [flow.from.addresses, flow.to.addresses] : [])),
    ...model.gateways.flatMap((gateway) => gateway.traffic.map((line) => line.peer.addresses)),
  ];
  const reached = unionAddresses(...new Set(ends));
  const hosts = new Map(model.hosts.map((host) => [host.name, host]));
  return model.unused
    .filter(({ kind, name }) => {
      const host = hosts.get(name);
      return kind !== 'host' || (host !== undefined && !addressesMeet(host.addresses, reached));
    })
    .map(({ kind, name, span }) =>
      diagnostic(
        lintCodes.unused,
        span,
        { kind, name },
        { help: [kind === 'host' ? 'no flow reaches it either: name it where it belongs, or take it out' : 'name it where it belongs, or take it out'] },
      ),
    );
};
