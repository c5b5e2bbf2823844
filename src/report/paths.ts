/**
 * Attack paths as text, JSON, Graphviz or Mermaid.
 *
 * In the two graph languages every word from a zone file stands in a quoted label, escaped as that language asks, and
 * nodes have numbers for names.
 */
import type { Path } from '../analysis/paths.ts';
import type { PlantSets } from '../analysis/plant-sets.ts';
import { placeNamesOf, serviceNamesOf } from '../analysis/rows.ts';
import { endWords, nameOf, packetWords, serviceWords, wayWords } from '../analysis/words.ts';
import type { SourceMap } from '../base/source.ts';
import { visible } from '../diagnostics/display.ts';
import { jsonPlace } from '../diagnostics/render.ts';
import { families } from '../net/address.ts';
import type { Node } from '../packets/diagram.ts';

interface Words {
  readonly from: string;
  readonly to: string;
  readonly service: string;
  readonly gateways: string;
  readonly flows: string;
}

/** Names that a line about a step spells out, by column; the rest are counted. */
const mostNames = 4;

/** Everything that a step could be: who may start it, whom it may reach, on what. Not each with each. */
function stepSummaries(plant: PlantSets): (path: Path, index: number) => string {
  const known = new Map<string, string>();
  const few = (items: readonly string[]): string =>
    items.slice(0, mostNames).join(', ') + (items.length > mostNames ? ` and ${items.length - mostNames} more` : '');
  const side = (set: Node, which: 'source' | 'destination', gateway: string | undefined): string => {
    const names = placeNamesOf(plant.model, plant.gateway(gateway ?? '')?.zones ?? plant.model.zones);
    const addresses = plant.space.project(which, set);
    return few([...new Set(families.flatMap((family) => names.items(addresses, family)))]);
  };
  return (path, index) => {
    const link = path.links[index];
    if (link === undefined) return '';
    const key = String(link.set);
    const before = known.get(key);
    if (before !== undefined) return before;
    const messages = plant.space.messages(link.set);
    const services = [...new Set(families.flatMap((family) => serviceNamesOf(plant.model).items(messages, family)))];
    const text = `like it: sources ${side(link.set, 'source', link.gateways[0])}; targets ${side(link.set, 'destination', link.gateways[0])}; services ${few(services)}`;
    known.set(key, text);
    return text;
  };
}

function words(plant: PlantSets, path: Path, index: number, sources: SourceMap): Words {
  const link = path.links[index];
  if (link === undefined) throw new Error(`no link ${index}`);
  return {
    from: endWords(plant.model, link.packet.source),
    to: endWords(plant.model, link.packet.destination),
    service: serviceWords(plant.model, link.packet),
    gateways: link.gateways.map((name) => wayWords(plant.model, name, link.packet)).join(', '),
    flows: link.flows.map((flow) => `${flow.name} (${sources.place(flow.span)})`).join(', '),
  };
}

export function renderPathsText(plant: PlantSets, paths: readonly Path[], sources: SourceMap): string {
  const summaryOf = stepSummaries(plant);
  return paths
    .map((path, number) => {
      const route = [path.links[0]?.from, ...path.links.map((link) => link.to)].map((area) => area?.zones.join('+') ?? '').join(' → ');
      const lines = path.links.flatMap((_, index) => {
        const step = words(plant, path, index, sources);
        return [`  ${index + 1}. ${step.from} -> ${step.to} on ${step.service}, on ${step.gateways}, by ${step.flows}`, `     ${summaryOf(path, index)}`];
      });
      const weak = path.links[path.weakest];
      const said = weak === undefined ? '' : `  weakest link: step ${path.weakest + 1}: ${weak.weakness}`;
      return visibleLines([`path ${number + 1}: ${route}, ${path.links.length} ${path.links.length === 1 ? 'hop' : 'hops'}`, ...lines, said]);
    })
    .join('\n');
}

function visibleLines(lines: readonly string[]): string {
  return `${lines.map(visible).join('\n')}\n`;
}

export function pathsJson(plant: PlantSets, paths: readonly Path[], sources: SourceMap): unknown[] {
  return paths.map((path) => ({
    hops: path.links.length,
    zones: [path.links[0]?.from.zones ?? [], ...path.links.map((link) => link.to.zones)],
    weakest: path.weakest,
    links: path.links.map((link) => ({
      from: nameOf(plant.model, link.packet.source) ?? null,
      to: nameOf(plant.model, link.packet.destination) ?? null,
      packet: packetWords(plant.model, link.packet),
      gateways: link.gateways,
      flows: link.flows.map((flow) => ({ name: flow.name, span: jsonPlace(flow.span, sources) })),
      entries: link.entries.map(({ protocol, by, ease, why }) => ({ protocol, by, ease, why })),
      weakness: link.weakness,
    })),
  }));
}

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly label: string;
  readonly weakest: boolean;
}

/** Zones as nodes, one edge a step; a step of several paths is one edge. */
function graph(plant: PlantSets, paths: readonly Path[]): { nodes: string[]; edges: Edge[] } {
  const nodes: string[] = [];
  const node = (zones: readonly string[]): number => {
    const name = zones.join(' + ');
    const at = nodes.indexOf(name);
    return at >= 0 ? at : nodes.push(name) - 1;
  };
  const edges = new Map<string, Edge>();
  for (const path of paths) {
    path.links.forEach((link, index) => {
      const [from, to] = [node(link.from.zones), node(link.to.zones)];
      const label = `${serviceWords(plant.model, link.packet)} by ${link.flows.map((flow) => flow.name).join(', ')}`;
      const key = `${from} ${to} ${label}`;
      edges.set(key, { from, to, label, weakest: (edges.get(key)?.weakest ?? false) || path.weakest === index });
    });
  }
  return { nodes, edges: [...edges.values()] };
}

/** Graphviz (DOT language, quoted strings: only `"` and `\` need a backslash). */
export function renderDot(plant: PlantSets, paths: readonly Path[]): string {
  const quoted = (text: string): string => `"${visible(text).replaceAll(/["\\]/gu, '\\$&')}"`;
  const { nodes, edges } = graph(plant, paths);
  return [
    'digraph paths {',
    '  rankdir=LR;',
    ...nodes.map((name, index) => `  n${index} [shape=box, label=${quoted(name)}];`),
    ...edges.map((edge) => `  n${edge.from} -> n${edge.to} [label=${quoted(edge.label)}${edge.weakest ? ', style=bold' : ''}];`),
    '}\n',
  ].join('\n');
}

/** Mermaid flowchart; a label in quotes takes entity codes (`#quot;`) for what would end it. */
export function renderMermaid(plant: PlantSets, paths: readonly Path[]): string {
  const quoted = (text: string): string => `"${visible(text).replaceAll(/[^\p{L}\p{N} .,:()_+-]/gu, (sign) => `#${sign.codePointAt(0) ?? 0};`)}"`;
  const { nodes, edges } = graph(plant, paths);
  return [
    'flowchart LR',
    ...nodes.map((name, index) => `  n${index}[${quoted(name)}]`),
    ...edges.map((edge) => `  n${edge.from} ${edge.weakest ? '==>' : '-->'}|${quoted(edge.label)}| n${edge.to}`),
    '',
  ].join('\n');
}
