/**
 * Services: from words to sets of messages.
 *
 * Takes a service list of the syntax tree, gives the messages it means, and what else matters about it: functions that
 * were named (grades), OT protocols, parts that no router can carry. What functions mean depends on where they stand
 * (rule 8, `FunctionReading`).
 */
import { nearest } from '../base/nearest.ts';
import { catalogue, isLayer2Only, needsPorts, protocolsOn } from '../catalogue/catalogue.ts';
import { icmpMessage, icmpMessages } from '../catalogue/icmp.ts';
import type { Protocol, TransportProtocol } from '../catalogue/protocol.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import { canonical, type Range, type Ranges } from '../net/ranges.ts';
import { allFunctions, type FunctionSet } from '../packets/functions.ts';
import {
  allServices,
  icmpServices,
  isNoService,
  noServices,
  portServices,
  protocolServices,
  type ServiceSet,
  subtractServices,
  unionServices,
  widenFunctions,
} from '../packets/service-set.ts';
import type { PortSpec, ServiceAtom, ServiceItem, ServiceList, TransportSpec, Word } from '../syntax/ast.ts';
import type { Context } from './context.ts';
import { type FunctionReading, messagesMeant, type Narrowing, resolveFunctions } from './functions.ts';
import type { MessageDetail, NamedFunctions, ResolvedServices, Service } from './model.ts';
import type { NameSpace, ServiceDecl } from './names.ts';
import { Uses } from './unused.ts';

interface Meaning {
  readonly set: ServiceSet;
  readonly functions: readonly NamedFunctions[];
  readonly otProtocols: readonly string[];
  readonly unroutable: ResolvedServices['unroutable'];
}

type NamedAtom = Extract<ServiceAtom, { kind: 'named' }>;

function meaning(set: ServiceSet, otProtocols: readonly string[] = []): Meaning {
  return { set, functions: [], otProtocols, unroutable: [] };
}

/** Services within services: beyond this it is a mistake, and the stack has an end. */
const deepestServices = 100;

export class ServiceResolver {
  readonly #context: Context;
  readonly #declared: NameSpace<ServiceDecl>;
  readonly #known = new Map<string, Meaning | 'open' | 'broken'>();
  readonly #interned = new Map<string, Meaning>();
  readonly #uses = new Uses();
  readonly #sitePorts = new Map<string, ServiceSet>();
  /** Declared services that are being resolved, innermost last. */
  readonly #open: string[] = [];
  #quiet = false;

  constructor(context: Context, declared: NameSpace<ServiceDecl>) {
    this.#context = context;
    this.#declared = declared;
  }

  /** Undefined if any part of it was reported. */
  resolve(list: ServiceList, reading: FunctionReading): ResolvedServices | undefined {
    const text = this.#context.words(list.span);
    // Equal words mean equal sets, and one object for them lets later stages remember what they made of it.
    const key = `${reading} ${text}`;
    const known = this.#interned.get(key);
    const same = known !== undefined && known.functions.length === 0 && known.unroutable.length === 0;
    const result = same ? known : this.#items(list.items, reading);
    if (result === undefined) return undefined;
    if (known === undefined) this.#interned.set(key, result);
    const { functions, otProtocols, unroutable } = result;
    return { set: known?.set ?? result.set, functions, otProtocols, unroutable, text, span: list.span };
  }

  /** Resolves a declaration, so that its mistakes show though nothing uses it. */
  check(declaration: ServiceDecl): Service | undefined {
    this.#quiet = true;
    this.#declaredService(declaration.name, 'exact');
    const set = this.#declaredService(declaration.name, 'allow')?.set;
    this.#quiet = false;
    return set === undefined ? undefined : { name: declaration.name.text, set };
  }

  /** Ports on which the policy says that a protocol is spoken, beside its standard ones. */
  get sitePorts(): ReadonlyMap<string, ServiceSet> {
    return this.#sitePorts;
  }

  /** Declared services that something names. */
  get used(): ReadonlySet<string> {
    return this.#uses.named;
  }

  #items(items: readonly ServiceItem[], reading: FunctionReading): Meaning | undefined {
    const results: Meaning[] = [];
    let broken = false;
    for (const item of items) {
      const result = this.#item(item, reading);
      if (result === undefined) broken = true;
      else results.push(result);
    }
    if (broken) return undefined;
    return {
      set: unionServices(...results.map((result) => result.set)),
      functions: results.flatMap((result) => result.functions),
      otProtocols: [...new Set(results.flatMap((result) => result.otProtocols))].sort(),
      unroutable: results.flatMap((result) => result.unroutable),
    };
  }

  #item(item: ServiceItem, reading: FunctionReading): Meaning | undefined {
    const base = this.#atom(item.base, reading);
    if (item.except === undefined) return base;
    const except = this.#atom(item.except, 'allow');
    if (base === undefined || except === undefined) return undefined;
    const set = subtractServices(base.set, except.set);
    if (isNoService(set) && !isNoService(base.set)) {
      this.#context.report(
        modelCodes.emptyExcept,
        item.span,
        { text: this.#context.words(item.span) },
        { help: ['the exception covers everything before it; leave the item out instead'] },
      );
      return undefined;
    }
    return { set, functions: [...base.functions, ...except.functions], otProtocols: base.otProtocols, unroutable: base.unroutable };
  }

  #atom(atom: ServiceAtom, reading: FunctionReading): Meaning | undefined {
    switch (atom.kind) {
      case 'any':
        return meaning(allServices, boundOn('tcp', everyPort, 'udp'));
      case 'transport':
        return this.#transport(atom.transport);
      case 'ip-protocol': {
        const number = this.#number(atom.number, 'IP protocol', 0, 255);
        return number === undefined
          ? undefined
          : meaning(protocolServices(number), number === 6 ? boundOn('tcp', everyPort) : number === 17 ? boundOn('udp', everyPort) : []);
      }
      case 'icmp':
        return this.#icmp(atom);
      case 'ethertype': {
        const number = this.#number(atom.number, 'ethertype', 0x0600, 0xffff);
        if (number === undefined) return undefined;
        return { ...meaning(noServices), unroutable: [{ name: `ethertype ${atom.number.text}`, why: 'it exists on layer 2 only', span: atom.span }] };
      }
      case 'named':
        return this.#declared.get(atom.name.text) !== undefined ? this.#declaredAtom(atom, reading) : this.#catalogued(atom, reading);
      case 'braces':
        return this.#items(atom.items, reading);
    }
  }

  #number(word: Word, what: string, first: number, last: number): number | undefined {
    const number = /^(0x[0-9a-f]{1,8}|\d{1,9})$/iu.test(word.text) ? Number(word.text) : Number.NaN;
    if (number >= first && number <= last) return number;
    this.#context.report(modelCodes.numberOutOfRange, word.span, { what, text: word.text, first: String(first), last: String(last) });
    return undefined;
  }

  #ports(specs: readonly PortSpec[]): Ranges<number> | undefined {
    const ranges: Range<number>[] = [];
    let broken = false;
    for (const spec of specs) {
      const first = this.#number(spec.first, 'port', 1, 65535);
      const last = spec.last === spec.first || spec.last.span.start === spec.first.span.start ? first : this.#number(spec.last, 'port', 1, 65535);
      if (first === undefined || last === undefined) {
        broken = true;
      } else if (first > last) {
        this.#context.report(
          modelCodes.invertedRange,
          spec.span,
          { text: `${spec.first.text}-${spec.last.text}` },
          { help: [`write ${spec.last.text}-${spec.first.text}`] },
        );
        broken = true;
      } else {
        ranges.push({ first, last });
      }
    }
    return broken ? undefined : canonical(ranges);
  }

  #transport(spec: TransportSpec, functions: FunctionSet = allFunctions): Meaning | undefined {
    const ports = spec.ports === undefined ? [{ first: 0, last: 0xffff }] : this.#ports(spec.ports);
    if (ports === undefined) return undefined;
    return meaning(portServices(spec.protocol, ports, functions), boundOn(spec.protocol, ports));
  }

  #icmp(atom: Extract<ServiceAtom, { kind: 'icmp' }>): Meaning | undefined {
    const own = atom.version === 'icmp' ? 4 : 6;
    if (atom.message !== undefined) {
      const messages = icmpMessage(atom.message.text);
      const found = messages?.filter((message) => atom.version === 'icmp' || message.family === 6);
      if (found === undefined || found.length === 0) {
        const suggestion = nearest(atom.message.text, icmpMessages.keys());
        this.#context.report(
          modelCodes.unknownWord,
          atom.message.span,
          { what: `${atom.version} message`, word: atom.message.text },
          {
            help: [suggestion === undefined ? 'a number is written `icmp type 13 code 0`' : `did you mean \`${suggestion}\`?`],
          },
        );
        return undefined;
      }
      return meaning(unionServices(...found.map((message) => icmpServices(message.family, icmpValues(message.type, message.code)))));
    }
    if (atom.type === undefined) {
      // `icmp` alone is the protocol of either family, as a name is the message of either family.
      const both = icmpServices(6, [{ first: 0, last: 0xffff }]);
      return meaning(atom.version === 'icmp' ? unionServices(icmpServices(4, [{ first: 0, last: 0xffff }]), both) : both);
    }
    const type = this.#number(atom.type, `${atom.version} type`, 0, 255);
    const code = atom.code === undefined ? undefined : this.#number(atom.code, `${atom.version} code`, 0, 255);
    if (type === undefined || (atom.code !== undefined && code === undefined)) return undefined;
    return meaning(icmpServices(own, icmpValues(type, code)));
  }

  #declaredAtom(atom: NamedAtom, reading: FunctionReading): Meaning | undefined {
    if (atom.functions !== undefined || atom.on !== undefined || atom.passive !== undefined || atom.qualifiers.length > 0) {
      this.#context.report(
        modelCodes.notYet,
        atom.span,
        { what: 'naming functions or ports of a declared service' },
        { help: [`put them into the declaration of \`${atom.name.text}\``] },
      );
      return undefined;
    }
    return this.#declaredService(atom.name, reading);
  }

  #declaredService(name: Word, reading: FunctionReading): Meaning | undefined {
    if (this.#open.length > 0 || !this.#quiet) this.#uses.note(name.text);
    const declaration = this.#declared.get(name.text);
    if (declaration === undefined) return undefined;
    const key = `${reading} ${name.text}`;
    const known = this.#known.get(key);
    if (known === 'open') {
      this.#context.report(modelCodes.cycle, name.span, { kind: 'service', name: name.text }, { help: ['take the service out of its own members'] });
      return undefined;
    }
    if (known === 'broken') return undefined;
    if (known !== undefined) return known;
    if (this.#open.length >= deepestServices) {
      this.#context.report(
        modelCodes.notYet,
        name.span,
        { what: `nesting services more than ${deepestServices} deep` },
        { help: ['name the members themselves'] },
      );
      return undefined;
    }
    this.#known.set(key, 'open');
    this.#open.push(name.text);
    const before = this.#context.diagnostics.length;
    const result = this.#items(declaration.members, reading);
    this.#open.pop();
    this.#known.set(key, result ?? 'broken');
    if (result === undefined) {
      // Reported once: the other reading of a broken declaration is broken too.
      for (const other of ['allow', 'deny', 'exact', 'never']) this.#known.set(`${other} ${name.text}`, 'broken');
      if (before === this.#context.diagnostics.length) return undefined;
    }
    return result;
  }

  #catalogued(atom: NamedAtom, reading: FunctionReading): Meaning | undefined {
    const protocol = catalogue.get(atom.name.text);
    if (protocol === undefined) {
      const suggestion = nearest(atom.name.text, [...this.#declared.names(), ...catalogue.keys()]);
      this.#context.report(
        modelCodes.unknownService,
        atom.name.span,
        { name: atom.name.text },
        {
          help: [suggestion === undefined ? 'declare it with `service`, or see `zonewright protocols`' : `did you mean \`${suggestion}\`?`],
        },
      );
      return undefined;
    }
    const named = resolveFunctions(this.#context, atom, protocol);
    if (named === undefined || (named !== 'all' && !this.#speaks(atom, protocol))) return undefined;
    const functions = (transport: TransportProtocol): FunctionSet =>
      named === 'all' ? allFunctions : messagesMeant(protocol.name, named.functions, reading, transport, named.narrowing);
    if (protocol.dynamicPorts !== undefined && atom.passive === undefined) {
      this.#context.report(
        modelCodes.dynamicPorts,
        atom.name.span,
        { name: protocol.name },
        {
          notes: [protocol.dynamicPorts.what],
          help: [`fix the ports on the server and write \`${protocol.name} passive 50000-50099\``],
        },
      );
      return undefined;
    }
    if (isLayer2Only(protocol)) return { ...meaning(noServices), unroutable: [{ name: protocol.name, why: 'it exists on layer 2 only', span: atom.span }] };
    if (atom.on === undefined && needsPorts(protocol)) {
      this.#context.report(
        modelCodes.noStandardTransport,
        atom.name.span,
        { name: protocol.name },
        { help: [`write the ports of this site: \`${protocol.name} on tcp 5000\``] },
      );
      return undefined;
    }
    const parts: (Meaning | undefined)[] =
      atom.on?.map((spec) => this.#transport(spec, functions(spec.protocol))) ??
      protocol.transports.map((ports) => meaning(portServices(ports.protocol, [{ first: ports.first, last: ports.last }], functions(ports.protocol))));
    if (atom.on === undefined) for (const number of protocol.ipProtocols) parts.push(meaning(protocolServices(number)));
    for (const name of atom.on === undefined ? protocol.icmp : []) {
      for (const message of icmpMessage(name) ?? []) parts.push(meaning(icmpServices(message.family, icmpValues(message.type, message.code))));
    }
    if (atom.passive !== undefined) {
      const ports = this.#ports([atom.passive]);
      if (ports === undefined) return undefined;
      if (protocol.dynamicPorts === undefined) {
        this.#context.report(
          modelCodes.unknownWord,
          atom.passive.span,
          { what: `property of ${protocol.name}`, word: 'passive' },
          { help: [`\`${protocol.name}\` has fixed ports; other ones are written with \`on\``] },
        );
        return undefined;
      }
      if (protocol.dynamicPorts.opens === 'reverse') {
        this.#context.report(modelCodes.notYet, atom.span, { what: `a service whose server opens the second conversation (${protocol.name})` });
        return undefined;
      }
      parts.push(meaning(portServices(protocol.dynamicPorts.protocol, ports)));
    }
    const joined = join(
      protocol,
      parts,
      named === 'all' ? undefined : { protocol: protocol.name, functions: named.functions, details: detailsOf(named.narrowing), span: atom.span },
    );
    if (atom.on !== undefined && joined !== undefined)
      this.#sitePorts.set(protocol.name, widenFunctions(unionServices(this.#sitePorts.get(protocol.name) ?? noServices, joined.set)));
    if (joined === undefined || protocol.cast === 'unicast') return joined;
    return { ...joined, unroutable: [...joined.unroutable, { name: protocol.name, why: 'it lives on multicast or broadcast', span: atom.span }] };
  }

  /** Whether functions can be named on the transports: the protocol has to be spoken there. */
  #speaks(atom: NamedAtom, protocol: Protocol): boolean {
    const known = new Set([...protocol.transports, ...protocol.customary].map((ports) => ports.protocol));
    const wrong = atom.on?.find((spec) => !known.has(spec.protocol));
    if (wrong === undefined) return true;
    this.#context.report(
      modelCodes.functionsElsewhere,
      wrong.span,
      { protocol: protocol.name, transport: wrong.protocol },
      { help: [`write \`on ${[...known].join('`, or `on ')}\`, or name the protocol without functions`] },
    );
    return false;
  }
}

function detailsOf({ units, addresses }: Narrowing): readonly MessageDetail[] {
  return [...(units === undefined ? [] : ['unit' as const]), ...(addresses === undefined ? [] : ['address' as const])];
}

function join(protocol: Protocol, parts: readonly (Meaning | undefined)[], named: Omit<NamedFunctions, 'where'> | undefined): Meaning | undefined {
  const whole = parts.filter((part) => part !== undefined);
  if (whole.length < parts.length) return undefined;
  const set = unionServices(...whole.map((part) => part.set));
  return {
    set,
    functions: named === undefined ? [] : [{ ...named, where: widenFunctions(set) }],
    otProtocols: protocol.ot ? [protocol.name] : [],
    unroutable: [],
  };
}

const everyPort: Ranges<number> = [{ first: 0, last: 0xffff }];

/** OT protocols that live on the ports: a bare port means what is bound to it. */
function boundOn(transport: 'tcp' | 'udp', ports: Ranges<number>, other?: 'tcp' | 'udp'): string[] {
  const on = (one: 'tcp' | 'udp'): string[] =>
    ports.flatMap((range) => protocolsOn(one, range.first, range.last)).flatMap((protocol) => (protocol.ot ? [protocol.name] : []));
  return [...new Set([...on(transport), ...(other === undefined ? [] : on(other))])].sort();
}

function icmpValues(type: number, code: number | undefined): Ranges<number> {
  return code === undefined ? [{ first: type * 256, last: type * 256 + 255 }] : [{ first: type * 256 + code, last: type * 256 + code }];
}
