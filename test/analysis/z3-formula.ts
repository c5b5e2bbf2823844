/**
 * `never` and `always` as formulas over the fields of a packet.
 *
 * Takes the resolved model, gives SMT-LIB text that is satisfiable exactly if some packet breaks the assert. Written from language.md and
 * the declarations alone: flows and zones as comparisons of 128-bit numbers; no address line, no diagram, no placed policy.
 */
import type { Below } from '../../src/packets/function-set.ts';
import type { Assert, Flow, Gateway, Model } from '../../src/model/model.ts';
import { parseAddress } from '../../src/net/address.ts';
import { addressSetOf, type AddressSet, intersectAddresses, isEmpty, noAddresses, subtractAddresses, unionAddresses } from '../../src/net/address-set.ts';
import type { Ranges } from '../../src/net/ranges.ts';
import type { Conversation } from '../../src/packets/conversation-space.ts';
import { familyServices, type ServiceSet } from '../../src/packets/service-set.ts';
import { shareWire, waysThrough } from './laws-universe.ts';

export type PacketAssert = Extract<Assert, { kind: 'never' | 'always' }>;

/** The fields of a packet; `six` is its family. Protocols without ports or types have no value and no function. */
const declarations = `(declare-const six Bool)
(declare-const src (_ BitVec 128))
(declare-const dst (_ BitVec 128))
(declare-const proto (_ BitVec 8))
(declare-const val (_ BitVec 16))
(declare-const fn (_ BitVec 12))
(declare-const unit (_ BitVec 8))
(declare-const first (_ BitVec 16))
(declare-const last (_ BitVec 20))
(assert (bvule last #x1ffff))
(assert (=> (not six) (and (bvule src ${wide(0xffff_ffffn)}) (bvule dst ${wide(0xffff_ffffn)}))))
(assert (=> (not (or (= proto #x06) (= proto #x11) (= proto (ite six #x3a #x01)))) (and (= val #x0000) (= fn #x000))))`;

function wide(value: number | bigint): string {
  return number(value, 128);
}

function number(value: number | bigint, bits: number): string {
  return `#x${BigInt(value)
    .toString(16)
    .padStart(bits / 4, '0')}`;
}

function any(terms: readonly string[]): string {
  return terms.length === 0 ? 'false' : terms.length === 1 ? (terms[0] ?? 'false') : `(or ${terms.join(' ')})`;
}

function all(terms: readonly string[]): string {
  return terms.length === 0 ? 'true' : `(and ${terms.join(' ')})`;
}

function not(term: string): string {
  return `(not ${term})`;
}

function within(field: string, bits: number, ranges: Ranges<number> | Ranges<bigint>): string[] {
  return ranges.map(({ first, last }) =>
    first === last ? `(= ${field} ${number(first, bits)})` : `(and (bvule ${number(first, bits)} ${field}) (bvule ${field} ${number(last, bits)}))`,
  );
}

function lies(field: 'src' | 'dst', set: AddressSet): string {
  return any([all([not('six'), any(within(field, 128, set.v4))]), all(['six', any(within(field, 128, set.v6))])]);
}

const messageFields = [
  ['fn', 12],
  ['unit', 8],
  ['first', 16],
  // Seventeen bits, written with hexadecimal digits.
  ['last', 20],
] as const;

function saysFunctions(below: Below, depth: number): string {
  const field = messageFields[depth];
  if (below === 'all' || field === undefined) return 'true';
  const [name, bits] = field;
  return any(below.map(({ low, high, below: rest }) => all([any(within(name, bits, [{ first: low, last: high }])), saysFunctions(rest, depth + 1)])));
}

/** `functions`: whether the gateway tells them apart. */
function says(set: ServiceSet, functions: boolean): string {
  const ofFamily = (family: 4 | 6): string => {
    const { values, protocols } = familyServices(set, family);
    const valued = [...values].map(([protocol, map]) =>
      all([
        `(= proto ${number(protocol, 8)})`,
        any(map.map((segment) => all([any(within('val', 16, [segment])), functions ? saysFunctions(segment.functions, 0) : 'true']))),
      ]),
    );
    return any([...within('proto', 8, protocols), ...valued]);
  };
  return any([all([not('six'), ofFamily(4)]), all(['six', ofFamily(6)])]);
}

/** Rule 5: what lies in no zone of the gateway, since it is its own. */
function ownAddresses(gateway: Gateway): AddressSet {
  const sets = gateway.interfaces.flatMap((face) =>
    face.addresses.flatMap((own) => {
      const broadcast = own.network.family === 4 && own.length <= 30 ? [addressSetOf({ family: 4, value: own.network.last })] : [];
      const anycast = own.network.family === 6 && own.length <= 126 ? [addressSetOf({ family: 6, value: own.network.first })] : [];
      return [addressSetOf(own.address), ...broadcast, ...anycast];
    }),
  );
  return sets.length === 0 ? noAddresses : unionAddresses(...sets);
}

interface End {
  readonly zone: string;
  readonly part: AddressSet;
}

const families = ['v4', 'v6'] as const;

export class Formulas {
  readonly #model: Model;
  readonly #grade: 'ports' | 'pdu';
  readonly #date: string;

  constructor(model: Model, grade: 'ports' | 'pdu', date: string) {
    this.#model = model;
    this.#grade = grade;
    this.#date = date;
  }

  /** The fields, and what the flows in force say of them (rules 7 and 9). */
  preamble(): string {
    const inForce = this.#model.flows.filter((flow) => flow.disabled === undefined && !(flow.expires !== undefined && flow.expires.value < this.#date));
    const words = (chosen: readonly Flow[]): string =>
      any(
        chosen.map((flow) =>
          all([lies('src', flow.from.addresses), lies('dst', flow.to.addresses), says(flow.services.set, flow.effect === 'deny' || this.#grade === 'pdu')]),
        ),
      );
    const allows = inForce.filter((flow) => flow.effect === 'allow');
    return [
      declarations,
      `(define-fun allowed () Bool ${words(allows)})`,
      `(define-fun unlimited () Bool ${words(allows.filter((flow) => flow.rate === undefined))})`,
      `(define-fun denied () Bool ${words(inForce.filter((flow) => flow.effect === 'deny'))})`,
      ...this.#model.gateways.map(
        (gateway, at) => `(define-fun own${at} () Bool ${any([lies('src', ownAddresses(gateway)), lies('dst', ownAddresses(gateway))])})`,
      ),
    ].join('\n');
  }

  /** Satisfied by exactly the packets that break the assert. */
  broken(assert: PacketAssert): string {
    const pairs = this.#pairs(assert);
    const asked = says(assert.services.set, true);
    const terms = pairs.map(({ from, to, gateways }) =>
      assert.kind === 'never'
        ? any(
            [
              ...gateways.map((at) => all([lies('src', from.part), this.#passes(at)])),
              ...this.#neighbours(from.zone, to.zone).map(({ at, addresses }) => all([lies('src', addresses), this.#passes(at)])),
            ].map((term) => all([lies('dst', to.part), term])),
          )
        : any(
            gateways.map((at) =>
              all([lies('src', this.#asked(at, from.part)), lies('dst', this.#asked(at, to.part)), not(all([not(`own${at}`), 'unlimited', not('denied')]))]),
            ),
          ),
    );
    return any([all([asked, any(terms)]), ...(assert.kind === 'always' ? this.#outside(assert) : [])]);
  }

  #passes(at: number): string {
    return all([not(`own${at}`), 'allowed', not('denied')]);
  }

  #own(at: number): AddressSet {
    const faces = this.#model.gateways[at]?.interfaces ?? [];
    return unionAddresses(...faces.flatMap((face) => face.addresses.map((own) => addressSetOf(own.address))));
  }

  /** Pairs of zones that a gateway stands between, with the ends of the assert in them (rules 11 and 12). */
  #joined(assert: PacketAssert): { from: End; to: End; gateways: number[] }[] {
    const { zones } = this.#model;
    return zones.flatMap((from) =>
      zones.flatMap((to) => {
        const ends = [intersectAddresses(assert.from.addresses, from.addresses), intersectAddresses(assert.to.addresses, to.addresses)] as const;
        const common = families.some((family) => ends.every((end) => end[family].length > 0));
        if (!common || from === to || shareWire(this.#model, from.name, to.name)) return [];
        return [{ from: { zone: from.name, part: ends[0] }, to: { zone: to.name, part: ends[1] }, gateways: this.#path(from.name, to.name) }];
      }),
    );
  }

  /** Whether some gateway is asked about more of both ends, in a common family, than its own addresses (rule 5). */
  #left({ from, to, gateways }: { from: End; to: End; gateways: number[] }): boolean {
    return gateways.some((at) => {
      const [source, target] = [subtractAddresses(from.part, this.#own(at)), subtractAddresses(to.part, this.#own(at))];
      return families.some((family) => [source, target].every((end) => end[family].length > 0));
    });
  }

  /** Not the gateway's own addresses, nor what a network holds of broadcasts and anycasts; but a host that has one, and what names nothing else. */
  #asked(at: number, part: AddressSet): AddressSet {
    const gateway = this.#model.gateways[at];
    const others = subtractAddresses(part, this.#own(at));
    const hosts = this.#model.hosts.map((host) => intersectAddresses(others, host.addresses));
    const meant = unionAddresses(gateway === undefined ? others : subtractAddresses(others, ownAddresses(gateway)), ...hosts);
    return isEmpty(meant) ? others : meant;
  }

  #pairs(assert: PacketAssert): { from: End; to: End; gateways: number[] }[] {
    return this.#joined(assert).filter((pair) => this.#left(pair));
  }

  #path(from: string, to: string): number[] {
    return this.#model.gateways.flatMap((gateway, at) => (waysThrough(gateway, from, to).length > 0 ? [at] : []));
  }

  /** Rule 12: a host can take an address of whoever shares its wire. */
  #neighbours(zone: string, to: string): { at: number; addresses: AddressSet }[] {
    return this.#model.zones
      .filter((other) => shareWire(this.#model, zone, other.name))
      .flatMap((other) => this.#path(other.name, to).map((at) => ({ at, addresses: other.addresses })));
  }

  /** What lies in no zone is reached by nothing. */
  #outside(assert: PacketAssert): string[] {
    const known = [
      ...this.#model.zones.map((zone) => zone.addresses),
      ...this.#model.gateways.flatMap((gateway) => gateway.interfaces.flatMap((face) => face.addresses.map((own) => addressSetOf(own.address)))),
    ];
    return (
      [
        ['src', assert.from.addresses],
        ['dst', assert.to.addresses],
      ] as const
    ).map(([field, side]) => all([lies(field, side), not(any(known.map((set) => lies(field, set))))]));
  }
}

/** The packet of a model; fields that do not matter are 0. */
export function packetOf(model: ReadonlyMap<string, string>): Conversation {
  const field = (name: string): bigint => BigInt((model.get(name) ?? '#x0').replace('#', '0'));
  const address = (name: string): Conversation['source'] =>
    model.get('six') === 'true' ? { family: 6, value: field(name) } : { family: 4, value: Number(field(name)) };
  return {
    source: address('src'),
    destination: address('dst'),
    protocol: Number(field('proto')),
    value: Number(field('val')),
    functionNumber: Number(field('fn')),
    details: { unit: Number(field('unit')), firstAddress: Number(field('first')), lastAddress: Number(field('last')) },
  };
}

/** That the packet is the one which a finding shows; its function is left open. */
export function isShown(shown: { readonly source: string; readonly destination: string; readonly protocol: number; readonly value: number }): string {
  const [source, destination] = [parseAddress(shown.source), parseAddress(shown.destination)];
  if (source === undefined || destination === undefined) throw new Error('a finding shows no packet');
  return all([
    source.family === 6 ? 'six' : not('six'),
    `(= src ${wide(source.value)})`,
    `(= dst ${wide(destination.value)})`,
    `(= proto ${number(shown.protocol, 8)})`,
    ...([6, 17, source.family === 4 ? 1 : 58].includes(shown.protocol) ? [`(= val ${number(shown.value, 16)})`] : []),
  ]);
}
