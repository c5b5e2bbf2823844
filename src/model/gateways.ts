/**
 * Gateways: target, interfaces, and the traffic that is for the gateway itself or starts there.
 */
import { catalogue } from '../catalogue/catalogue.ts';
import type { Span } from '../base/source.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import { lintCodes } from '../diagnostics/codes/lint.ts';
import { formatAddress, parsePrefix } from '../net/address.ts';
import { addressSetOf, type AddressSet, builtInNetworks, containsAddress, unionAddresses } from '../net/address-set.ts';
import type { Declaration, GatewayTrafficDecl, InterfaceDecl, OptionValue, SelectorAtom } from '../syntax/ast.ts';
import { PropertyReader } from './context.ts';
import { type FlowTools, flowProperties } from './flows.ts';
import { interfaceServices } from './interface-services.ts';
import type { Gateway, GatewayTraffic, Interface, InterfaceAddress, OptionSetting, Zone } from './model.ts';
import { oneOf } from './zones.ts';

export type GatewayDecl = Extract<Declaration, { kind: 'gateway' }>;

/** Addresses of an interface may be link-local (IPv6), but nothing else that lies in no zone. */
const impossible: AddressSet = builtInNetworks('0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '255.255.255.255/32', '::/128', '::1/128', 'ff00::/8');

/**
 * The static addresses of every gateway, before anything else is resolved: selectors may name gateways. Bad ones are
 * reported later, by `resolveGateway`.
 */
export function gatewayAddresses(declarations: readonly GatewayDecl[]): Map<string, AddressSet> {
  return new Map(
    declarations.map((declaration) => {
      const sets: AddressSet[] = [];
      for (const face of declaration.interfaces) {
        for (const property of face.properties) {
          if (property.kind !== 'addresses') continue;
          for (const word of property.values) {
            const address = parsePrefix(word.text)?.address;
            if (address !== undefined) sets.push(addressSetOf(address));
          }
        }
      }
      return [declaration.name.text, unionAddresses(...sets)];
    }),
  );
}

export function resolveGateway(tools: FlowTools, declaration: GatewayDecl, zones: ReadonlyMap<string, Zone>): Gateway | undefined {
  const { context } = tools;
  const name = declaration.name.text;
  const owner = `gateway \`${name}\``;
  const target = declaration.targets[0];
  const second = declaration.targets[1];
  if (target === undefined) {
    context.report(
      modelCodes.missingProperty,
      declaration.name.span,
      { owner, property: 'target' },
      { help: ['say what it runs, for example `target nftables`'] },
    );
  }
  if (second !== undefined)
    context.report(modelCodes.repeatedProperty, second.name.span, { property: 'target', owner }, { help: ['a gateway has one target'] });

  const read = new PropertyReader(context, declaration.properties, owner);
  const interfaces: Interface[] = [];
  const names = new Map<string, Span>();
  const addresses = new Map<string, Span>();
  for (const face of declaration.interfaces) {
    const earlier = names.get(face.name.text);
    if (earlier !== undefined) {
      context.report(
        modelCodes.duplicateName,
        face.name.span,
        { kind: 'interface', name: face.name.text },
        { secondary: [{ span: earlier, label: 'first declared here' }], help: ['list every zone behind it in one `faces`'] },
      );
      continue;
    }
    names.set(face.name.text, face.name.span);
    const resolved = resolveInterface(tools, face, zones, addresses);
    if (resolved !== undefined) interfaces.push(resolved);
  }
  if (declaration.interfaces.length === 0) {
    context.report(
      modelCodes.missingProperty,
      declaration.name.span,
      { owner, property: 'interface' },
      { help: ['add for example `interface eth0 { faces office address 10.0.0.1/16 }`'] },
    );
  }
  const traffic = declaration.traffic.flatMap((line) => resolveTraffic(tools, name, line) ?? []);
  const none = declaration.traffic.find((line) => line.none !== undefined);
  if (none !== undefined && declaration.traffic.some((line) => line.kind === 'manage' && line.none === undefined)) {
    context.report(
      modelCodes.repeatedProperty,
      none.span,
      { property: 'manage none', owner: `${owner} beside other \`manage\` lines` },
      { help: ['`manage none` says that nobody manages it over the network; keep one of the two'] },
    );
  }
  const manageNone = declaration.traffic.find((line) => line.kind === 'manage' && line.none !== undefined)?.none?.text;
  if (manageNone === undefined && !declaration.traffic.some((line) => line.kind === 'manage')) {
    context.report(
      lintCodes.noManage,
      declaration.name.span,
      { gateway: name },
      {
        help: ['add for example `manage from jump allow ssh`, or say that it is meant: `manage none "console only"`'],
      },
    );
  }
  if (target === undefined) return undefined;
  return {
    name,
    label: declaration.label?.text ?? read.text('label'),
    target: { value: target.name.text, span: target.name.span },
    options: target.options.map((option) => ({ name: { value: option.name.text, span: option.name.span }, value: optionSetting(option.value) })),
    interfaces: interfaces.sort((a, b) => (a.name < b.name ? -1 : 1)),
    traffic: uniqueNames(traffic).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    manageNone,
    span: declaration.name.span,
  };
}

function optionSetting(value: OptionValue): OptionSetting {
  if (value.kind === 'list') return { kind: 'list', items: value.items.map(optionSetting), span: value.span };
  return { kind: value.kind, text: value.value.text, span: value.span };
}

function resolveInterface(tools: FlowTools, declaration: InterfaceDecl, zones: ReadonlyMap<string, Zone>, taken: Map<string, Span>): Interface | undefined {
  const { context } = tools;
  const name = declaration.name.text;
  const owner = `interface \`${name}\``;
  // IFNAMSIZ leaves 15 bytes; the rest is what no target has to quote and no shell can misread.
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}$/u.test(name) || name === 'lo') {
    context.report(
      modelCodes.badInterfaceName,
      declaration.name.span,
      { name: name.length > 40 ? `${name.slice(0, 40)}…` : name },
      {
        help: [
          name === 'lo'
            ? 'the loopback needs no declaration'
            : 'up to 15 letters, digits, `_`, `.`, `@` and `-`, as `ip link` shows it, without the `@if3` that it adds',
        ],
      },
    );
    return undefined;
  }
  const read = new PropertyReader(context, declaration.properties, owner, ['runs']);
  const faces = read.of('faces', 'selector');
  const names = new Set<string>();
  let broken = false;
  if (faces === undefined) {
    context.report(
      modelCodes.missingProperty,
      declaration.name.span,
      { owner, property: 'faces' },
      { help: ['list the zones that lie behind it, also through other routers'] },
    );
    broken = true;
  }
  for (const item of faces?.value.items ?? []) {
    const word = zoneWord(item.base);
    if (word === undefined || item.except !== undefined) {
      context.report(modelCodes.wrongKind, item.span, { name: context.words(item.span), is: 'selector', expected: 'the name of a zone' });
      broken = true;
      continue;
    }
    const zone = tools.zoneNamed(word);
    if (zone === undefined) broken = true;
    else names.add(zone.name);
  }
  const clause = read.of('address', 'addresses');
  const addresses: InterfaceAddress[] = [];
  let dynamic = false;
  if (clause === undefined) {
    context.report(
      modelCodes.missingProperty,
      declaration.name.span,
      { owner, property: 'address' },
      { help: ['write its addresses with their prefix (`address 10.0.0.1/16`), `address dynamic`, or `address none`'] },
    );
  }
  for (const word of clause?.values ?? []) {
    if (word.text === 'dynamic') {
      dynamic = true;
      continue;
    }
    if (word.text === 'none') continue;
    const prefix = parsePrefix(word.text);
    if (prefix === undefined || containsAddress(impossible, prefix.address)) {
      context.report(
        modelCodes.badAddress,
        word.span,
        { text: word.text },
        {
          help: [prefix === undefined ? 'write the address with its prefix: 10.0.0.1/16' : 'an interface needs a unicast address'],
        },
      );
      continue;
    }
    const text = formatAddress(prefix.address);
    const earlier = taken.get(text);
    if (earlier !== undefined) {
      context.report(
        modelCodes.addressTwice,
        word.span,
        { address: text, first: context.words(earlier), second: name },
        { secondary: [{ span: earlier, label: 'declared here already' }], help: ['one address belongs to one interface'] },
      );
      continue;
    }
    taken.set(text, word.span);
    addresses.push({ address: prefix.address, network: prefix.network, length: prefix.length, span: word.span });
  }
  if (clause !== undefined && clause.values.length > 1 && clause.values.some((word) => word.text === 'none')) {
    context.report(modelCodes.badAddress, clause.span, { text: context.words(clause.span) }, { help: ['`none` stands alone'] });
  }
  const runs: string[] = [];
  for (const property of read.all('runs', 'names')) {
    for (const word of property.values) {
      const service = oneOf(
        context,
        word,
        interfaceServices.map((row) => row.name),
        'interface service',
      );
      if (service !== undefined) runs.push(service);
    }
  }
  const sharedWire = read.text('shared-wire');
  const routed = read.has('routed');
  if (routed && sharedWire !== undefined) {
    context.report(
      modelCodes.contradiction,
      read.of('shared-wire', 'text')?.span ?? declaration.name.span,
      { first: '`routed`', second: '`shared-wire`', why: 'the box stands between the zones or it does not' },
      { help: ['keep the one that is true of the wiring'] },
    );
  }
  if (names.size > 1 && !routed) reportSharing(tools, name, names, zones, sharedWire !== undefined, faces?.span ?? declaration.name.span);
  return broken
    ? undefined
    : { name, faces: [...names].sort(), addresses, dynamic, runs: [...new Set(runs)].sort(), routed, sharedWire, span: declaration.name.span };
}

function zoneWord(atom: SelectorAtom): { text: string; span: Span } | undefined {
  return atom.kind === 'name' ? atom.name : undefined;
}

function reportSharing(tools: FlowTools, name: string, faced: ReadonlySet<string>, zones: ReadonlyMap<string, Zone>, meant: boolean, span: Span): void {
  if (meant) return;
  const sorted = [...faced].sort();
  const untrusted = sorted.find((zone) => zones.get(zone)?.kind === 'untrusted');
  const help = ['put the zones on interfaces of their own, say `routed` if the box stands between them, or `shared-wire "why"` if they share the wire'];
  if (untrusted !== undefined) {
    const other = sorted.find((zone) => zone !== untrusted) ?? untrusted;
    tools.context.report(
      modelCodes.sharedWireUntrusted,
      span,
      { interface: name, zone: untrusted, other },
      { notes: ['zones behind one interface reach each other freely and cannot be told apart'], help },
    );
  } else {
    tools.context.report(lintCodes.sharedInterface, span, { interface: name, zones: sorted.join(', ') }, { help });
  }
}

function resolveTraffic(tools: FlowTools, gateway: string, declaration: GatewayTrafficDecl): GatewayTraffic | undefined {
  const { context } = tools;
  if (declaration.none !== undefined) return undefined;
  const owner = `\`${declaration.kind}\` of gateway \`${gateway}\``;
  const read = new PropertyReader(context, declaration.properties, owner);
  const common = flowProperties(tools, read, undefined);
  for (const keyword of ['inspect', 'requests', 'accept-weaker'] as const) {
    if (read.has(keyword))
      context.report(modelCodes.notYet, declaration.span, { what: `\`${keyword}\` of traffic that is for the gateway itself` }, { help: ['leave it out'] });
  }
  const peer = declaration.peer === undefined ? undefined : tools.selectors.resolve(declaration.peer);
  const services = declaration.services === undefined ? undefined : tools.services.resolve(declaration.services, 'allow');
  if (peer === undefined || services === undefined) return undefined;
  if (peer.gateways.includes(gateway)) {
    context.report(modelCodes.gatewayInZone, peer.span, { gateway }, { help: ['what it says to itself needs no line'] });
    return undefined;
  }
  for (const part of services.unroutable) {
    context.report(
      modelCodes.unroutable,
      part.span,
      { name: part.name, why: part.why },
      { help: ['see `runs` of an interface for what a gateway may speak on multicast'] },
    );
  }
  if (services.unroutable.length > 0) return undefined;
  // Who asks cannot be said of a gateway's own lines.
  const either = services.functions.find(({ protocol }) => catalogue.get(protocol)?.serverMayDial === true);
  if (either !== undefined) {
    context.report(
      modelCodes.notYet,
      either.span,
      { what: `naming functions of ${either.protocol}, in which either side may ask, for traffic of the gateway itself` },
      { help: ['name the protocol alone'] },
    );
    return undefined;
  }
  if (common.essential && common.rate !== undefined) context.report(modelCodes.essentialRate, declaration.span, { flow: context.words(declaration.span) });
  const preposition = declaration.kind === 'send' ? 'to' : 'from';
  return {
    ...common,
    kind: declaration.kind,
    name: `${declaration.kind} ${preposition} ${peer.text} allow ${services.text}`,
    peer,
    services,
    span: declaration.span,
  };
}

/** Two equal lines get numbers, so that every counter and log has a name of its own. */
function uniqueNames(traffic: readonly GatewayTraffic[]): GatewayTraffic[] {
  const seen = new Map<string, number>();
  return traffic.map((line) => {
    const count = (seen.get(line.name) ?? 0) + 1;
    seen.set(line.name, count);
    return count === 1 ? line : { ...line, name: `${line.name} (${count})` };
  });
}
