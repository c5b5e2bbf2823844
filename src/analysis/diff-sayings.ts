/**
 * What lines say of conversations, compared as sets: who logs them, limits them, promises or owns them, and until when.
 *
 * Takes two plants in one space; within what both let start (or deny by a flow), a conversation that is logged in one and
 * not in the other is a change, whatever the lines are called.
 */
import type { FlowProperties } from '../model/model.ts';
import { empty, type Node } from '../packets/diagram.ts';
import type { Hook } from '../packets/packet.ts';
import type { Entry, GatewayPolicy } from '../policy/gateway-policy.ts';
import type { FlowChange } from './diff-change.ts';
import { ownConversations, type PlantSets } from './plant-sets.ts';
import { rowsOf } from './rows.ts';

/** A part of what a gateway judges, within which lines are compared as sets. */
interface Scope {
  /** Said behind the words of a row. */
  readonly label: string;
  readonly hook: Hook;
  readonly effect: Entry['effect'];
  readonly self: 'source' | 'destination' | undefined;
}

const scopes: readonly Scope[] = [
  { label: '', hook: 'forward', effect: 'allow', self: undefined },
  { label: ' (denied)', hook: 'forward', effect: 'deny', self: undefined },
  { label: '', hook: 'input', effect: 'allow', self: 'destination' },
  { label: '', hook: 'output', effect: 'allow', self: 'source' },
];

type Which = (entry: Entry, gateway: string) => boolean;

/** Conversations of a scope that some line of a kind holds; `among`: only these lines are looked at. */
function held(plant: PlantSets, policy: GatewayPolicy, { hook, effect }: Scope, which: Which, among: readonly Entry[] = policy.entries): Node {
  const chosen = among.filter((entry) => entry.hook === hook && entry.effect === effect && which(entry, policy.gateway));
  if (hook !== 'forward') return ownConversations(plant, policy, hook, (entry) => chosen.includes(entry));
  return plant.space.diagram.unionAll(chosen.map((entry) => plant.entrySet(entry)));
}

/** What the gateway lets start in a scope, or denies by a flow. */
function judged(plant: PlantSets, policy: GatewayPolicy, scope: Scope): Node {
  return scope.hook === 'forward' && scope.effect === 'allow' ? plant.permitted(policy, false) : held(plant, policy, scope, () => true);
}

/** One thing that lines say of conversations, compared as sets: who says it does not matter. */
interface Saying {
  readonly what: string;
  readonly yes: string;
  readonly no: string;
  /** Which direction of the change weakens. */
  readonly weaker: 'gained' | 'lost';
  readonly of: (plant: PlantSets) => Which;
  /** Only this direction is of interest. */
  readonly only?: 'gained' | 'lost';
}

type Line = FlowProperties & { readonly name: string };

/** The line of the model behind an entry. */
function lineOf(plant: PlantSets): (entry: Entry, gateway: string) => Line | undefined {
  const own = new Map(plant.model.gateways.map((gateway) => [gateway.name, new Map(gateway.traffic.map((line) => [line.name, line]))]));
  return (entry, gateway) => (entry.hook === 'forward' ? plant.flowsNamed([entry.origin.name])[0] : own.get(gateway)?.get(entry.origin.name));
}

export const logged: Saying = { what: 'log', yes: 'logged', no: 'not logged', weaker: 'lost', of: () => (entry) => entry.log };
/** A conversation is limited only if nothing lets it start without a rate (rule 7). */
export const unlimited: Saying = { what: 'rate', yes: 'not limited', no: 'limited', weaker: 'gained', of: () => (entry) => entry.rate === undefined };

/** Looks only at the conversations of some lines, and at the lines that hold any of them. */
type Focus = (policy: GatewayPolicy, scope: Scope) => { readonly set: Node; readonly old: readonly Entry[]; readonly now: readonly Entry[] };

export function setChanges(old: PlantSets, now: PlantSets, saying: Saying, focus?: Focus, excluded: ReadonlySet<string> = new Set()): FlowChange[] {
  const { diagram } = old.space;
  const changes: FlowChange[] = [];
  for (const policy of now.gateways) {
    const earlier = old.gateway(policy.gateway);
    if (earlier === undefined) continue;
    for (const scope of scopes) {
      const lens = focus?.(policy, scope);
      if (lens?.set === empty) continue;
      let within = diagram.intersect(judged(old, earlier, scope), judged(now, policy, scope));
      if (lens !== undefined) within = diagram.intersect(within, lens.set);
      if (excluded.size > 0)
        within = diagram.subtract(
          within,
          held(now, policy, scope, (entry) => excluded.has(entry.origin.name)),
        );
      const before = diagram.intersect(held(old, earlier, scope, saying.of(old), lens?.old), within);
      const after = diagram.intersect(held(now, policy, scope, saying.of(now), lens?.now), within);
      for (const [set, direction] of [
        [diagram.subtract(before, after), 'lost'],
        [diagram.subtract(after, before), 'gained'],
      ] as const) {
        if (set === empty || (saying.only !== undefined && saying.only !== direction)) continue;
        const entry = policy.entries.find(
          (one) =>
            one.hook === scope.hook &&
            one.effect === scope.effect &&
            diagram.intersect(
              held(now, policy, scope, () => true, [one]),
              set,
            ) !== empty,
        );
        if (entry === undefined) continue;
        for (const row of rowsOf(now.model, now.space, [{ gateway: policy.gateway, view: { zones: policy.zones }, set, self: scope.self }])) {
          changes.push({
            kind: 'flow',
            name: `${row.from} -> ${row.to} : ${row.service}, on ${policy.gateway}${scope.label}`,
            what: saying.what,
            before: direction === 'lost' ? saying.yes : saying.no,
            after: direction === 'lost' ? saying.no : saying.yes,
            weaker: saying.weaker === direction,
            span: entry.origin.span,
            side: 'new',
          });
        }
      }
    }
  }
  return changes;
}

/**
 * What lines under other names, or beside the old ones, say of the same conversations: how long they last, whether they
 * are essential, whether anyone owns them. Lines that kept their names were compared by name.
 */
export function renamedChanges(old: PlantSets, now: PlantSets, said: readonly FlowChange[]): FlowChange[] {
  const names = (plant: PlantSets): Set<string> =>
    new Set(plant.gateways.flatMap((policy) => policy.entries.map((entry) => `${policy.gateway} ${entry.origin.name}`)));
  const [before, after] = [names(old), names(now)];
  const single = (gateway: string, entry: Entry): boolean => before.has(`${gateway} ${entry.origin.name}`) !== after.has(`${gateway} ${entry.origin.name}`);
  const { diagram } = old.space;
  const known = new Map<string, ReturnType<Focus>>();
  const ends = new Set<string>();
  const lines = { old: lineOf(old), now: lineOf(now) };
  const focus: Focus = (policy, scope) => {
    const key = `${policy.gateway} ${scopes.indexOf(scope)}`;
    const earlier = old.gateway(policy.gateway);
    const kept = known.get(key);
    if (kept !== undefined || earlier === undefined) return kept ?? { set: empty, old: [], now: [] };
    const alone: Which = (entry, gateway) => single(gateway, entry);
    const set = diagram.union(held(old, earlier, scope, alone), held(now, policy, scope, alone));
    const meeting = (plant: PlantSets, of: GatewayPolicy): Entry[] =>
      set === empty
        ? []
        : of.entries.filter(
            (entry) =>
              entry.hook === scope.hook &&
              entry.effect === scope.effect &&
              diagram.intersect(
                held(plant, of, scope, () => true, [entry]),
                set,
              ) !== empty,
          );
    const lens = { set, old: meeting(old, earlier), now: meeting(now, policy) };
    known.set(key, lens);
    for (const entry of lens.old) for (const end of [lines.old(entry, policy.gateway)?.expires?.value]) if (end !== undefined) ends.add(end);
    for (const entry of lens.now) for (const end of [lines.now(entry, policy.gateway)?.expires?.value]) if (end !== undefined) ends.add(end);
    return lens;
  };
  for (const policy of now.gateways) for (const scope of scopes) focus(policy, scope);
  if ([...known.values()].every((lens) => lens.set === empty)) return [];
  const having =
    (has: (line: Line) => boolean) =>
    (plant: PlantSets): Which => {
      const find = plant === old ? lines.old : lines.now;
      return (entry, gateway) => {
        const line = find(entry, gateway);
        return line !== undefined && has(line);
      };
    };
  const lasting = [...ends].sort().map((end): Saying => ({
    what: 'expires',
    yes: `after ${end}`,
    no: `by ${end}`,
    weaker: 'gained',
    of: having((line) => line.expires === undefined || line.expires.value > end),
  }));
  const stated = (['essential', 'owner', 'reason', 'ticket'] as const).map((what): Saying => ({
    what,
    yes: what === 'essential' ? 'yes' : 'stated',
    no: 'none',
    weaker: 'lost',
    only: 'lost',
    of: having((line) => line[what] !== undefined && line[what] !== false),
  }));
  const excluded = (what: string): ReadonlySet<string> => new Set(said.filter((one) => one.what === what).map((one) => one.name));
  return [...lasting.toReversed(), ...stated].flatMap((saying) => setChanges(old, now, saying, focus, excluded(saying.what)));
}
