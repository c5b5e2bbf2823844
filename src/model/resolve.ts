/**
 * Resolve: declarations of all files → Model.
 *
 * Takes the syntax trees of the root file and its includes (already joined), gives the resolved model and what is
 * wrong. The order of declarations never matters: names are entered first, then zones, hosts, groups, services, flows,
 * gateways and asserts are resolved against them. Everything in the model is sorted by name.
 */
import type { SourceMap } from '../base/source.ts';
import { lintCodes } from '../diagnostics/codes/lint.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import type { Outcome } from '../diagnostics/diagnostic.ts';
import { type Address, formatAddress } from '../net/address.ts';
import { containsAddress, noAddresses, unionAddresses } from '../net/address-set.ts';
import type { AssertDecl, Declaration, FlowDecl, Word } from '../syntax/ast.ts';
import { resolveAssert, resolveTest } from './checks.ts';
import { Context, PropertyReader } from './context.ts';
import { type FlowTools, resolveConduit, resolveFlow } from './flows.ts';
import { gatewayAddresses, resolveGateway } from './gateways.ts';
import { reportLookAlikes } from './look-alikes.ts';
import {
  type Assert,
  type Conduit,
  type Flow,
  type Gateway,
  type Group,
  type Host,
  type InterfaceAddress,
  type Model,
  type Service,
  type Test,
  type Unused,
  type Zone,
  zoneKinds,
} from './model.ts';
import { NameSpace, type PlaceDecl, type ServiceDecl } from './names.ts';
import { SelectorResolver } from './selectors.ts';
import { ServiceResolver } from './services.ts';
import { builtInRoles, builtInTraits } from './vocabulary.ts';
import { resolveHosts, resolveZones } from './zones.ts';

export function resolve(declarations: readonly Declaration[], sources: SourceMap): Outcome<Model> {
  const context = new Context(sources);
  const names = new NameSpace<PlaceDecl>();
  const services = new NameSpace<ServiceDecl>();
  const flowNames = new NameSpace<FlowDecl>();
  const assertNames = new NameSpace<AssertDecl>();
  const conduitNames = new NameSpace<Declaration>();
  const of = <Kind extends Declaration['kind']>(kind: Kind): Extract<Declaration, { kind: Kind }>[] =>
    declarations.filter((declaration): declaration is Extract<Declaration, { kind: Kind }> => declaration.kind === kind);
  const places = <Kind extends PlaceDecl['kind']>(kind: Kind): Extract<PlaceDecl, { kind: Kind }>[] =>
    declarations.filter(
      (declaration): declaration is Extract<PlaceDecl, { kind: Kind }> => declaration.kind === kind && names.get(declaration.name.text) === declaration,
    );

  for (const declaration of declarations) {
    if (declaration.kind === 'zone' || declaration.kind === 'host' || declaration.kind === 'group' || declaration.kind === 'gateway') {
      names.declare(context, declaration.kind, declaration.name, declaration, true);
    } else if (declaration.kind === 'service') {
      services.declare(context, 'service', declaration.name, declaration, true);
    } else if (declaration.kind === 'conduit' && declaration.name !== undefined) {
      conduitNames.declare(context, 'conduit', declaration.name, declaration, false);
    }
  }

  const policy = resolvePolicy(context, of('policy'));
  const { zones, broken: brokenZones } = resolveZones(context, places('zone'));
  for (const name of names.rejected) brokenZones.add(name);
  const zoneNamed = (word: Word): Zone | undefined => {
    const zone = zones.get(word.text);
    if (zone !== undefined) return zone;
    if (names.rejected.has(word.text)) return undefined;
    const other = names.get(word.text);
    if (other === undefined)
      context.report(modelCodes.unknownName, word.span, { name: word.text, expected: 'a zone' }, { help: [names.suggestion(word.text)] });
    else context.report(modelCodes.wrongKind, word.span, { name: word.text, is: other.kind, expected: 'a zone' });
    return undefined;
  };
  const hosts = resolveHosts(context, places('host'), zones, brokenZones, zoneNamed, policy.traits, policy.roles);
  const selectors = new SelectorResolver(context, {
    names,
    zones,
    hosts,
    brokenZones,
    gateways: gatewayAddresses(places('gateway')),
    zoneKinds,
    traits: policy.traits,
    roles: policy.roles,
  });
  const serviceResolver = new ServiceResolver(context, services);
  const tools: FlowTools = { context, selectors, services: serviceResolver, zoneNamed };

  const groups: Group[] = places('group').map((declaration) => ({
    name: declaration.name.text,
    label: declaration.label?.text,
    addresses: selectors.group(declaration.name.text) ?? noAddresses,
    span: declaration.name.span,
  }));
  const named: Service[] = of('service').flatMap((declaration) =>
    services.get(declaration.name.text) === declaration ? (serviceResolver.check(declaration) ?? []) : [],
  );

  const flows: Flow[] = [];
  const conduits: Conduit[] = [];
  for (const declaration of of('flow')) {
    if (!flowNames.declare(context, 'flow', declaration.name, declaration, false)) continue;
    const flow = resolveFlow(tools, declaration);
    if (flow !== undefined) flows.push(flow);
  }
  for (const declaration of of('conduit')) {
    const resolved = resolveConduit(tools, declaration, flowNames);
    if (resolved.conduit !== undefined) conduits.push(resolved.conduit);
    flows.push(...resolved.flows);
  }
  const gateways: Gateway[] = places('gateway').flatMap((declaration) => resolveGateway(tools, declaration, zones) ?? []);
  reportGatewayHosts(context, gateways, hosts);

  const inZones = unionAddresses(...[...zones.values()].map((zone) => zone.addresses));
  const asserts: Assert[] = [];
  for (const declaration of of('assert')) {
    if (!assertNames.declare(context, 'assert', declaration.name, declaration, false)) continue;
    const assert = resolveAssert(tools, declaration);
    if (assert !== undefined) asserts.push(assert);
  }
  const tests: Test[] = of('test').map((declaration) => resolveTest(tools, declaration, inZones));
  const questions = [...asserts.filter((assert) => assert.kind === 'never' || assert.kind === 'always'), ...tests.flatMap((test) => test.lines)];
  reportLookAlikes(context, byName(flows), byName(gateways), questions);

  const unused: Unused[] = [];
  for (const [kind, used] of [
    ['host', selectors.used],
    ['group', selectors.used],
    ['service', serviceResolver.used],
  ] as const) {
    for (const { name } of of(kind)) if (!used.has(name.text)) unused.push({ kind, name: name.text, span: name.span });
  }

  const model: Model = {
    title: policy.title,
    revision: policy.revision,
    timezone: policy.timezone,
    zones: byName([...zones.values()]),
    hosts: byName([...hosts.values()]),
    groups: byName(groups),
    services: byName(named),
    sitePorts: serviceResolver.sitePorts,
    flows: byName(flows),
    conduits: byName(conduits),
    gateways: byName(gateways),
    asserts: byName(asserts),
    tests,
    unused,
  };
  return { value: model, diagnostics: context.diagnostics };
}

/** Sorted by code units, so that no locale changes what is emitted. */
function byName<Item extends { readonly name: string }>(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

interface PolicyFacts {
  readonly title: string;
  readonly revision: number | undefined;
  readonly timezone: string | undefined;
  readonly traits: readonly string[];
  readonly roles: readonly string[];
}

function resolvePolicy(context: Context, declarations: readonly Extract<Declaration, { kind: 'policy' }>[]): PolicyFacts {
  const [first, second] = declarations;
  if (first === undefined) return { title: '', revision: undefined, timezone: undefined, traits: builtInTraits, roles: builtInRoles };
  if (second !== undefined) {
    context.report(
      modelCodes.duplicateName,
      second.title.span,
      { kind: 'policy', name: second.title.text },
      {
        secondary: [{ span: first.title.span, label: 'the first policy' }],
        help: ['a plant has one policy; included files have none'],
      },
    );
  }
  const read = new PropertyReader(context, first.properties, 'policy', ['traits', 'roles']);
  const revisionWord = read.word('revision');
  const revision = revisionWord === undefined ? undefined : /^\d{1,9}$/u.test(revisionWord.text) ? Number(revisionWord.text) : undefined;
  if (revisionWord !== undefined && revision === undefined) {
    context.report(modelCodes.numberOutOfRange, revisionWord.span, { what: 'revision', text: revisionWord.text, first: '0', last: '999999999' });
  }
  const zoneText = read.of('timezone', 'text')?.value;
  let timezone: string | undefined;
  if (zoneText !== undefined) {
    try {
      // Throws for a name that is none; the name itself is kept, since its canonical form differs between versions.
      Intl.DateTimeFormat('en', { timeZone: zoneText.text });
      timezone = zoneText.text;
    } catch {
      context.report(modelCodes.badTimezone, zoneText.span, { name: zoneText.text }, { help: ['write an IANA name such as "Europe/Berlin"'] });
    }
  }
  const own = (keyword: string): string[] => read.all(keyword, 'names').flatMap((property) => property.values.map((word) => word.text));
  return { title: first.title.text, revision, timezone, traits: [...builtInTraits, ...own('traits')], roles: [...builtInRoles, ...own('roles')] };
}

function reportGatewayHosts(context: Context, gateways: readonly Gateway[], hosts: ReadonlyMap<string, Host>): void {
  const taken = unionAddresses(...[...hosts.values()].map((host) => host.addresses));
  for (const gateway of gateways) {
    for (const face of gateway.interfaces) {
      for (const own of face.addresses) {
        const swallowed = networkAddress(own);
        if (!containsAddress(taken, own.address) && (swallowed === undefined || !containsAddress(taken, swallowed))) continue;
        for (const host of hosts.values()) {
          if (swallowed !== undefined && containsAddress(host.addresses, swallowed)) {
            const what = swallowed.family === 4 ? 'directed broadcast' : 'router anycast address';
            context.report(
              lintCodes.hostUnreachable,
              host.span,
              { host: host.name, address: formatAddress(swallowed), what, gateway: gateway.name },
              {
                secondary: [{ span: own.span, label: 'the network of this interface' }],
                help: ['give the host another address, or the interface the prefix that the network really has'],
              },
            );
          }
          if (!containsAddress(host.addresses, own.address)) continue;
          context.report(
            modelCodes.gatewayAddressTaken,
            host.span,
            { host: host.name, address: formatAddress(own.address), gateway: gateway.name },
            {
              secondary: [{ span: own.span, label: `the gateway's address` }],
              help: ['give the host its own address; the gateway itself is named in selectors, and reached by `manage` and `receive`'],
            },
          );
        }
      }
    }
  }
}

/** The address of the interface's network at which the gateway takes packets itself: no host can have it (rule 5). */
function networkAddress(own: InterfaceAddress): Address | undefined {
  if (own.network.family === 4) return own.length < 31 ? { family: 4, value: own.network.last } : undefined;
  return own.length < 127 ? { family: 6, value: own.network.first } : undefined;
}
