/**
 * The reader of VyOS: what the commands of a firewall do with packets, as packet sets.
 *
 * Takes the commands that we emit, or what `show configuration commands` prints; gives the packets that pass, those that a rate may let
 * pass, and those of which it cannot say so. It shares no code with the emitter. What VyOS makes of a firewall it takes from the platform's
 * templates: the state policy first in every chain, base chains before zones, zones by the interface that a packet leaves by.
 */
import type { AddressSet } from '../../src/net/address-set.ts';
import { families } from '../../src/net/address.ts';
import { hooks } from '../../src/packets/packet.ts';
import { empty, type Node } from '../../src/packets/packet-space.ts';
import { possible } from '../../src/policy/sets.ts';
import type { EmittedFile, ReadContext, ReadResult } from '../../src/target/target.ts';
import { addressesIn, interfacesIn } from './read-borders.ts';
import { readConfig } from './read-config.ts';
import { Executor, type Fates } from './read-execute.ts';
import { child, parseCommands, Refusal, strangers, type TreeNode } from './read-tree.ts';

const fileName = 'firewall.commands';

/** Parts of a configuration that touch packets beside the firewall. */
const besides: readonly (readonly [path: readonly string[], what: string])[] = [
  [['nat'], 'nat changes addresses: what the firewall sees of a packet is not what was sent'],
  [['nat66'], 'nat66 changes addresses: what the firewall sees of a packet is not what was sent'],
  [['policy', 'route'], 'policy route may drop and mark packets before the firewall'],
  [['policy', 'route6'], 'policy route6 may drop and mark packets before the firewall'],
  [['system', 'conntrack', 'ignore'], 'system conntrack ignore leaves packets untracked'],
  [['system', 'conntrack', 'modules'], 'system conntrack modules lets helpers open conversations of their own'],
  [['load-balancing', 'wan'], 'load-balancing wan marks and routes packets by rules of its own'],
  [['vrf'], 'vrf puts interfaces behind a device of another name'],
  [['firewall', 'bridge'], 'firewall bridge filters frames between ports of a bridge'],
];

/** Reads the file that the emitter writes. */
export function read(files: readonly EmittedFile[], context: ReadContext): ReadResult {
  const [file, ...more] = files;
  if (file?.name !== fileName || more.length > 0) return refused(context, new Refusal(undefined, `the only file is ${fileName}`));
  return caught(context, () => {
    const tree = treeOf(file);
    const [other] = strangers(tree, new Set(['firewall']));
    if (other !== undefined) throw new Refusal(other.line, `${other.name} is not part of a firewall`);
    return execute(child(tree, 'firewall'), context, []);
  });
}

/** Reads what `show configuration commands` prints, whole or of the firewall alone. */
export function readRunning(files: readonly EmittedFile[], context: ReadContext): ReadResult {
  const [file, ...more] = files;
  if (file === undefined || more.length > 0) return unreadable(context, new Refusal(undefined, 'give the output of `show configuration commands`, once'));
  let tree: TreeNode;
  try {
    tree = treeOf(file);
  } catch (error) {
    if (error instanceof Refusal) return unreadable(context, error);
    throw error;
  }
  if (tree.children.size === 0) return unreadable(context, new Refusal(undefined, 'no set command stands in it'));
  const others = besides.filter(([path]) => child(tree, ...path) !== undefined).map(([, what]) => what);
  const firewall = child(tree, 'firewall');
  // Frames between ports of a bridge are none of ours; a table of flows does nothing that no rule asks for.
  const part = firewall && { ...firewall, children: new Map([...firewall.children].filter(([name]) => name !== 'bridge' && name !== 'flowtable')) };
  const result = caught(context, () => execute(part, context, others));
  return firewall === undefined ? { ...result, missing: 'it has no firewall: everything passes' } : result;
}

/** The addresses that files name; none of a text that cannot be read, which the readers refuse. */
export function borders(files: readonly EmittedFile[]): readonly AddressSet[] {
  return files.flatMap((file) => addressesIn(firewallOf(file)));
}

/** The interfaces that they name, sorted. */
export function interfaces(files: readonly EmittedFile[]): readonly string[] {
  return [...new Set(files.flatMap((file) => interfacesIn(firewallOf(file))))].sort();
}

function firewallOf(file: EmittedFile): TreeNode | undefined {
  try {
    return child(treeOf(file), 'firewall');
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

const trees = new WeakMap<EmittedFile, TreeNode>();

/** A file is asked for its borders first and read afterwards; it is parsed once. */
function treeOf(file: EmittedFile): TreeNode {
  const known = trees.get(file) ?? parseCommands(file.text);
  trees.set(file, known);
  return known;
}

function caught(context: ReadContext, work: () => ReadResult): ReadResult {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return refused(context, error);
    throw error;
  }
}

function refused({ space }: ReadContext, refusal: Refusal): ReadResult {
  const refusals = [{ line: refusal.line, what: refusal.message }];
  return { accepted: empty, maybe: empty, marked: empty, unknown: possible(space), limits: [], refusals, others: [] };
}

function unreadable(context: ReadContext, refusal: Refusal): ReadResult {
  return { ...refused(context, refusal), unreadable: `${refusal.message}${refusal.line === undefined ? '' : ` (line ${refusal.line})`}` };
}

function execute(firewall: TreeNode | undefined, { space }: ReadContext, others: readonly string[]): ReadResult {
  const { diagram } = space;
  const config = readConfig(firewall);
  const universe = possible(space);
  const runs = families.flatMap((family) => {
    const executor = new Executor(space, family, config);
    const packets = diagram.intersect(universe, space.family(family));
    return hooks.map((hook) => executor.hook(hook, diagram.intersect(packets, space.hook(hook))));
  });
  const all = (part: (fates: Fates) => Node): Node => diagram.unionAll(runs.map(part));
  const [passing, dropped, unknown] = [all((one) => one.passing), all((one) => one.dropped), all((one) => one.unknown)];
  const known = (set: Node): Node => diagram.subtract(set, unknown);
  const doubts = new Map(runs.flatMap((one) => one.doubts).map((doubt) => [doubt.line, doubt.what]));
  return {
    accepted: known(diagram.subtract(passing, dropped)),
    maybe: known(diagram.intersect(passing, dropped)),
    marked: empty,
    unknown,
    limits: runs.flatMap((one) => one.limits),
    refusals: [...doubts].map(([line, what]) => ({ line, what })),
    others,
  };
}
