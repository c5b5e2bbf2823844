/**
 * The reader: `/etc/config/firewall` → packet sets, with the semantics of fw4 and fw3 and none of the emitter's code.
 *
 * A packet meets: loopback; what conntrack calls established or related; invalid; rules of no zone; then, by its device, the zone's rules in
 * their order and the zone's own policy; then the defaults. A rule with a zone as its end decides only packets that leave by that zone.
 */
import type { AddressSet } from '../../src/net/address-set.ts';
import { families } from '../../src/net/address.ts';
import { hooks } from '../../src/packets/packet.ts';
import { empty, fields, full, type Node, type PacketSpace } from '../../src/packets/packet-space.ts';
import { possible } from '../../src/policy/sets.ts';
import type { EmittedFile, ReadContext, ReadResult } from '../../src/target/target.ts';
import { type Firewall, type ProtocolMatch, readFirewall, type Rule, type Verdict, type Zone } from './read-rules.ts';
import { parseUci, Refusal } from './read-uci.ts';

/** What `emit` wrote. */
export function read(files: readonly EmittedFile[], { space }: ReadContext): ReadResult {
  const found = knownTo(space, firewallOf(files));
  if (!(found instanceof Refusal)) return { ...nothing(space), accepted: accepted(space, found), unknown: empty };
  return { ...nothing(space), refusals: [{ line: found.line, what: found.message }] };
}

/** The file itself, or what `uci export firewall` prints. */
export function readRunning(files: readonly EmittedFile[], context: ReadContext): ReadResult {
  if (files.length !== 1) return { ...nothing(context.space), unreadable: `one output of uci export firewall is expected, not ${files.length} files` };
  if (!/^\s*config\s/mu.test(files[0]?.text ?? '')) return { ...nothing(context.space), unreadable: 'it is no UCI file of a firewall' };
  return read(files, context);
}

/** The addresses that the files name. */
export function borders(files: readonly EmittedFile[]): AddressSet[] {
  const found = firewallOf(files);
  return found instanceof Refusal ? [] : found.rules.flatMap(({ source, destination }) => [...source, ...destination]);
}

/** The devices that they name. */
export function interfaces(files: readonly EmittedFile[]): string[] {
  const found = firewallOf(files);
  return found instanceof Refusal ? [] : found.zones.flatMap(({ devices }) => devices);
}

const known = new WeakMap<EmittedFile, Firewall | Refusal>();

/** It is asked for its borders before it is read; it is parsed once. */
function firewallOf(files: readonly EmittedFile[]): Firewall | Refusal {
  const [file] = files;
  if (file === undefined || files.length > 1) return new Refusal(undefined, `one file is expected, not ${files.length}`);
  const before = known.get(file);
  if (before !== undefined) return before;
  let found: Firewall | Refusal;
  try {
    found = readFirewall(parseUci(file.text));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    found = error;
  }
  known.set(file, found);
  return found;
}

/** Whoever compares has no packets of other devices. */
function knownTo(space: PacketSpace, found: Firewall | Refusal): Firewall | Refusal {
  const stranger = found instanceof Refusal ? undefined : found.zones.flatMap(({ devices }) => devices).find((device) => !space.knowsInterface(device));
  return stranger === undefined ? found : new Refusal(undefined, `the gateway has no device ${stranger}`);
}

/** Nothing is known. */
function nothing(space: PacketSpace): ReadResult {
  return { accepted: empty, maybe: empty, marked: empty, unknown: possible(space), limits: [], refusals: [], others: [] };
}

function accepted(space: PacketSpace, firewall: Firewall): Node {
  return space.diagram.intersect(possible(space), space.diagram.unionAll(hooks.map((hook) => new Walk(space, firewall, hook).passing())));
}

/** One hook: packets on their way through its chains. */
class Walk {
  readonly #space: PacketSpace;
  readonly #firewall: Firewall;
  readonly #hook: 'input' | 'output' | 'forward';
  readonly #passing: Node[] = [];
  /** Packets that nothing decided yet. */
  #left: Node;

  constructor(space: PacketSpace, firewall: Firewall, hook: 'input' | 'output' | 'forward') {
    this.#space = space;
    this.#firewall = firewall;
    this.#hook = hook;
    this.#left = space.hook(hook);
  }

  passing(): Node {
    const { diagram } = this.#space;
    const { zones, rules, dropInvalid } = this.#firewall;
    if (this.#hook === 'input') this.#decide(this.#space.inInterface('lo'), 'accept');
    if (this.#hook === 'output') this.#decide(this.#space.outInterface('lo'), 'accept');
    this.#decide(diagram.union(this.#space.state('established'), this.#space.state('related')), 'accept');
    if (dropInvalid) this.#decide(this.#space.state('invalid'), 'drop');
    for (const rule of rules) if (this.#chainOf(rule) === '') this.#ask(rule, full);
    for (const zone of zones) {
      const here = this.#hook === 'output' ? this.#leaving(zone) : this.#entering(zone);
      for (const rule of rules) if (this.#chainOf(rule) === zone.name) this.#ask(rule, here);
      // What a zone says of forwarding holds for what stays in it.
      this.#decide(this.#hook === 'forward' ? diagram.intersect(here, this.#leaving(zone)) : here, zone[this.#hook]);
    }
    this.#decide(full, this.#firewall[this.#hook]);
    return diagram.unionAll(this.#passing);
  }

  #decide(packets: Node, verdict: Verdict): void {
    const { diagram } = this.#space;
    if (verdict === 'accept') this.#passing.push(diagram.intersect(this.#left, packets));
    this.#left = diagram.subtract(this.#left, packets);
  }

  /** The zone in whose chain of this hook a rule stands; empty for the hook's own chain, undefined for another hook. */
  #chainOf({ src, dest }: Rule): string | undefined {
    const hook = src === undefined ? 'output' : dest === undefined ? 'input' : 'forward';
    if (hook !== this.#hook) return undefined;
    const end = hook === 'output' ? dest : src;
    return end === undefined || end === 'any' ? '' : end;
  }

  #ask(rule: Rule, here: Node): void {
    const { diagram } = this.#space;
    const zone = rule.dest === undefined || rule.dest === 'any' ? undefined : this.#firewall.zones.find(({ name }) => name === rule.dest);
    const leaving = zone === undefined ? full : this.#leaving(zone);
    this.#decide(diagram.intersect(diagram.intersect(here, leaving), matches(this.#space, rule)), rule.verdict);
  }

  #entering(zone: Zone): Node {
    return this.#space.diagram.unionAll(zone.devices.map((device) => this.#space.inInterface(device)));
  }

  #leaving(zone: Zone): Node {
    return this.#space.diagram.unionAll(zone.devices.map((device) => this.#space.outInterface(device)));
  }
}

function matches(space: PacketSpace, rule: Rule): Node {
  const { diagram } = space;
  const all = (field: 'source' | 'destination', sets: readonly AddressSet[]): Node =>
    sets.reduce<Node>((node, set) => diagram.intersect(node, space.addressSet(field, set)), full);
  const ends = diagram.intersect(all('source', rule.source), all('destination', rule.destination));
  const protocols = diagram.unionAll(rule.protocols.map((match) => protocolSet(space, match)));
  const wanted = rule.family === undefined ? families : [rule.family];
  return diagram.intersect(diagram.unionAll(wanted.map((family) => space.family(family))), diagram.intersect(ends, protocols));
}

function protocolSet(space: PacketSpace, { protocol, sourcePorts, values }: ProtocolMatch): Node {
  if (protocol === undefined) return full;
  const sources = sourcePorts === undefined ? full : space.within(fields.sourcePort, sourcePorts);
  const both = values === undefined ? sources : space.diagram.intersect(sources, space.within(fields.value, values));
  return space.diagram.intersect(space.among(fields.protocol, [protocol]), both);
}
