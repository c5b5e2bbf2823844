// One plant in the kernel. Takes a plant and a seed, builds its gateway, loads its policy and its neighbours' one after the other, sends
// packets and what follows from them, and gives every verdict that differs from `evaluate`. The idea: the packet that `evaluate` judges
// has its hook, interfaces, state, direction and mark from the kernel itself, so that only the verdict is compared; what the
// construction expects of those fields is asserted apart.

import { evaluate, type Verdict } from '../../src/policy/evaluate.ts';
import { formatAddress } from '../../src/net/address.ts';
import { connectionStates, hooks, type Packet } from '../../src/packets/packet.ts';
import { compileText, rulesetOf, type Ruleset } from '../generators/compile.ts';
import { Draw } from '../generators/draw.ts';
import { type Facts, PacketMaker, type Sample } from '../generators/packets.ts';
import { changed, type Plant, removable, without, zoneFile } from '../generators/plants.ts';
import { type Backend, isRefusal, nftables } from './backends.ts';
import { KernelGateway, type Observation, type Passage } from './gateway.ts';

export interface Sent extends Sample {
  readonly id: number;
  /** Packets of one conversation share it. */
  readonly conversation: number;
  /** What conntrack must say, as far as the construction knows. */
  readonly expects: Expectation | undefined;
}

export interface Expectation {
  readonly state: 'established';
  readonly direction: 'original' | 'reply';
  /** Whether the conversation carries the mark in force; undefined: not known. */
  readonly current: boolean | undefined;
}

export interface Complaint {
  /** Mismatches of one kind are taken for the same while a plant shrinks. */
  readonly kind: 'verdict' | 'mark' | 'wire' | 'route' | 'state';
  readonly why: string;
}

export interface Mismatch extends Complaint {
  readonly sent: Sent;
}

export type Event = { readonly kind: 'load'; readonly plant: Plant } | { readonly kind: 'send'; readonly steps: readonly (readonly Sent[])[] };

export interface TrialResult {
  readonly verdicts: number;
  /** By hook, family, state and verdict. */
  readonly counts: ReadonlyMap<string, number>;
  readonly mismatches: readonly Mismatch[];
  /** Verdicts that a rate may have decided. */
  readonly limited: number;
  /** Packets whose route, or whose state and mark, the construction knew in advance; all were seen so. */
  readonly foreseen: number;
}

/** Groups that the interface services need; the kernel takes only what somebody joined. */
const joins = ['224.0.0.18', '224.0.1.129', 'ff02::12', 'ff02::1:2'];

export class Trial {
  readonly #gateway: KernelGateway;
  readonly #plant: Plant;
  readonly #backend: Backend;
  readonly #draw: Draw;
  readonly #history: Event[] = [];
  readonly #counts = new Map<string, number>();
  readonly #mismatches: Mismatch[] = [];
  #ruleset: Ruleset;
  #verdicts = 0;
  #limited = 0;
  #foreseen = 0;
  #nextId = 1;

  private constructor(gateway: KernelGateway, plant: Plant, backend: Backend, ruleset: Ruleset, seed: number) {
    this.#gateway = gateway;
    this.#backend = backend;
    this.#plant = plant;
    this.#ruleset = ruleset;
    this.#draw = Draw.seeded(seed ^ 0x5eed);
  }

  static async create(plant: Plant, seed: number, backend = nftables): Promise<Trial> {
    const settled = backend.settle?.(plant) ?? plant;
    const ruleset = rulesetOf(compileText(backend.dress(zoneFile(settled))));
    remember(settled, backend, ruleset);
    const gateway = await KernelGateway.create({
      interfaces: settled.interfaces.map((face) => ({ name: face.name, addresses: face.addresses, routes: face.routes, joins })),
      ...(backend.window === undefined ? {} : { window: backend.window }),
    });
    return new Trial(gateway, settled, backend, ruleset, seed);
  }

  async dispose(): Promise<void> {
    await this.#gateway.dispose();
  }

  /** `size`: packets that nothing came before; about as many follow from them. */
  async run(size: number): Promise<TrialResult> {
    const draw = this.#draw;
    const maker = new PacketMaker(
      draw,
      this.#plant,
      this.#ruleset.house,
      new Map(this.#gateway.topology.links.map((link) => [link.spec.name, link.linkLocal])),
    );
    // Either may come first: flows that leave cut what they allowed, and denies that come cut too.
    const neighbour = changed(this.#plant, draw);
    const [one, other] = draw.chance(50) ? [this.#plant, neighbour] : [neighbour, this.#plant];
    if (!(await this.#load(one)) && !(await this.#load(other))) return this.result();
    const first = Array.from({ length: size }, () => this.#sent(maker.sample()));
    const seen = await this.#send([first]);
    const running = draw.shuffled(first.flatMap((sent) => this.#conversation(sent, seen.get(sent.id)) ?? [])).slice(0, Math.max(20, size / 5));
    await this.#follow(maker, running);
    const before = this.#ruleset.mark.value;
    for (const [index, plant] of [other, one, other].entries()) {
      if (!(await this.#load(plant))) continue;
      await this.#resume(maker, running, index === 0 && this.#ruleset.mark.value !== before);
    }
    return this.result();
  }

  result(): TrialResult {
    return { verdicts: this.#verdicts, counts: this.#counts, mismatches: this.#mismatches, limited: this.#limited, foreseen: this.#foreseen };
  }

  /** False, and nothing happens, if the plant does not compile. */
  async #load(plant: Plant): Promise<boolean> {
    const ruleset = compiledFor(this.#backend, plant);
    if (ruleset === undefined) return false;
    this.#ruleset = ruleset;
    this.#history.push({ kind: 'load', plant });
    await this.#backend.load(this.#gateway, this.#ruleset);
    return true;
  }

  #sent(sample: Sample, conversation?: number, expects?: Expectation): Sent {
    const id = this.#nextId;
    this.#nextId += 1;
    return { ...sample, id, conversation: conversation ?? id, expects };
  }

  async #send(steps: readonly (readonly Sent[])[]): Promise<ReadonlyMap<number, Observation>> {
    this.#history.push({ kind: 'send', steps });
    const observations = await observe(this.#gateway, steps);
    for (const sent of steps.flat()) {
      const seen = observations.get(sent.id);
      if (seen !== undefined) this.#compare(sent, seen);
    }
    return observations;
  }

  #compare(sent: Sent, seen: Observation): void {
    for (const passage of seen.passages) {
      const judged = judge(this.#gateway, this.#ruleset, sent.facts, passage);
      if (judged === undefined) continue;
      this.#verdicts += 1;
      if (judged.verdict.limited) this.#limited += 1;
      const key = `${passage.hook} IPv${sent.facts.source.family} ${passage.state ?? ''} ${passage.accepted ? 'accepted' : 'dropped'}`;
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    }
    if (sent.expects !== undefined || sent.route !== undefined) this.#foreseen += 1;
    const wrong = this.#complaint(this.#ruleset, sent, seen);
    if (wrong !== undefined) this.#mismatches.push({ ...wrong, sent });
  }

  /** What is wrong whatever the platform takes the packet for. */
  #complaint(ruleset: Ruleset, sent: Sent, seen: Observation): Complaint | undefined {
    const found = this.#backend.readings(sent.facts).map((facts) => complaint(this.#gateway, ruleset, { ...sent, facts }, seen));
    return found.includes(undefined) ? undefined : found[0];
  }

  /** A conversation that has begun: how its first packet went. */
  #conversation(sent: Sent, seen: Observation | undefined): Running | undefined {
    const last = seen?.passages.at(-1);
    if (seen === undefined || last?.state !== 'new' || !last.accepted || seen.passages.some((passage) => !passage.accepted)) return undefined;
    if (seen.reached === 'forward' && seen.wire === undefined) return undefined;
    return {
      sent,
      hook: seen.reached === 'input' ? 'input' : seen.reached === 'output' ? 'output' : 'forward',
      out: seen.out,
      alone: seen.passages.length === 1,
      forged: this.#draw.chance(50),
    };
  }

  /** Answers, then more of everything: from the right side and the wrong one, and messages about it. */
  async #follow(maker: PacketMaker, running: readonly Running[]): Promise<void> {
    const answers = running.flatMap((one) => this.#answer(maker, one, true) ?? []);
    const more = running.flatMap((one) => (answers.some((answer) => answer.conversation === one.sent.conversation) ? [this.#more(maker, one, true)] : []));
    const forged = running.filter((one) => one.forged);
    const wrong = forged.map((one) => this.#sent(maker.elsewhere(one.sent), one.sent.conversation));
    const errors = running.flatMap(({ sent, out, hook }) =>
      hook === 'input' || out === undefined || out === 'lo' ? [] : [this.#sent(maker.error(sent, out), sent.conversation)],
    );
    const spoofed = forged.flatMap((one) => {
      const answer = maker.answer(one.sent, one.out, 'forward');
      return answer === undefined || one.hook === 'input' ? [] : [this.#sent(maker.elsewhere(answer), one.sent.conversation)];
    });
    await this.#send([answers, more, this.#draw.shuffled([...wrong, ...spoofed, ...errors])]);
  }

  /** After a reload: from the side that answers, then from the side that began, or the other way round. */
  async #resume(maker: PacketMaker, running: readonly Running[], stale: boolean): Promise<void> {
    const fresh = Array.from({ length: Math.ceil(running.length / 2) }, () => this.#sent(maker.sample()));
    const first: Sent[] = [];
    const second: Sent[] = [];
    for (const one of running) {
      const current = stale ? false : undefined;
      const begins = this.#draw.chance(50);
      const answer = this.#answer(maker, one, begins ? undefined : current);
      const more = this.#more(maker, one, begins ? current : undefined);
      if (answer !== undefined) (begins ? second : first).push(answer);
      (begins ? first : second).push(more);
    }
    await this.#send([first, second, fresh]);
  }

  #answer(maker: PacketMaker, one: Running, current: boolean | undefined): Sent | undefined {
    const answer = one.out === 'lo' ? undefined : maker.answer(one.sent, one.out, one.hook);
    return answer === undefined
      ? undefined
      : this.#sent(answer, one.sent.conversation, expectation(one, 'reply', this.#backend.keeps === true ? undefined : current));
  }

  #more(maker: PacketMaker, one: Running, current: boolean | undefined): Sent {
    return this.#sent(maker.more(one.sent), one.sent.conversation, expectation(one, 'original', this.#backend.keeps === true ? undefined : current));
  }

  // -- a smaller plant with the same mismatch ---------------------------------------------------------------------

  /** The print of a mismatch: its plant without what does not matter, and the packets of its conversation. */
  async explain(mismatch: Mismatch): Promise<string> {
    const { id, conversation } = mismatch.sent;
    const same = async (events: readonly Event[]): Promise<boolean> => (await this.#replay(events, id))?.kind === mismatch.kind;
    const at = this.#history.findIndex((event) => event.kind === 'send' && event.steps.flat().some((sent) => sent.id === id));
    let events: readonly Event[] = this.#history.slice(0, at + 1);
    const only = events.map((event): Event =>
      event.kind === 'load' ? event : { kind: 'send', steps: event.steps.map((step) => step.filter((sent) => sent.conversation === conversation)) },
    );
    if (await same(only)) events = only;
    // States and routes are matters of the kernel: no declaration is to blame.
    for (let shrunk = mismatch.kind === 'verdict' || mismatch.kind === 'mark'; shrunk;) {
      shrunk = false;
      for (const piece of new Set(events.flatMap((event) => (event.kind === 'load' ? removable(event.plant) : [])))) {
        const less = events.map((event): Event => (event.kind === 'load' ? { kind: 'load', plant: without(event.plant, piece) } : event));
        if (!(await same(less))) continue;
        events = less;
        shrunk = true;
      }
    }
    const last = await this.#replay(events, id);
    const [start] = events;
    const enough = mismatch.kind === 'verdict' || mismatch.kind === 'mark' ? events : events.filter((event) => event === start || event.kind === 'send');
    const shown = enough.map((event) =>
      event.kind === 'load'
        ? this.#backend.dress(zoneFile(event.plant))
        : event.steps
            .flat()
            .filter((sent) => sent.conversation === conversation)
            .map(describeSent)
            .join('\n'),
    );
    return [
      `seed ${this.#plant.seed}, packet ${id}: ${last?.why ?? `${mismatch.why} (not seen again in a replay)`}`,
      ...shown.filter((text) => text !== ''),
    ].join('\n----\n');
  }

  /** What is wrong with the packet of this id, if it is sent again after all that came before it. */
  async #replay(events: readonly Event[], id: number): Promise<Complaint | undefined> {
    await this.#backend.clear(this.#gateway);
    await this.#gateway.reset();
    let ruleset: Ruleset | undefined;
    for (const event of events) {
      if (event.kind === 'load') {
        ruleset = compiledFor(this.#backend, event.plant);
        if (ruleset === undefined) return undefined;
        await this.#backend.load(this.#gateway, ruleset);
        continue;
      }
      const observation = (await observe(this.#gateway, event.steps)).get(id);
      const sent = event.steps.flat().find((one) => one.id === id);
      if (sent !== undefined && observation !== undefined && ruleset !== undefined) return this.#complaint(ruleset, sent, observation);
    }
    return undefined;
  }
}

interface Running {
  readonly sent: Sent;
  readonly hook: 'forward' | 'input' | 'output';
  readonly out: string | undefined;
  /** It passed one hook only: not from the gateway to itself. */
  readonly alone: boolean;
  /** Somebody else sends packets with its ends. They are dropped, but conntrack has seen them, and may forget a TCP conversation over it. */
  readonly forged: boolean;
}

/** A trial loads each plant several times, and compiling is most of its time. */
const rulesets = new WeakMap<Plant, Map<Backend, Ruleset | undefined>>();

function remember(plant: Plant, backend: Backend, ruleset: Ruleset | undefined): Ruleset | undefined {
  const known = rulesets.get(plant) ?? new Map<Backend, Ruleset | undefined>();
  rulesets.set(plant, known.set(backend, ruleset));
  return ruleset;
}

/** Undefined if the plant does not compile, or this platform has no words for it. */
function compiledFor(backend: Backend, plant: Plant): Ruleset | undefined {
  const known = rulesets.get(plant);
  if (known?.has(backend) === true) return known.get(backend);
  const compiled = compileText(backend.dress(zoneFile(plant)));
  if (compiled.errors.length > 0) return remember(plant, backend, undefined);
  try {
    return remember(plant, backend, rulesetOf(compiled));
  } catch (error) {
    if (isRefusal(error)) return remember(plant, backend, undefined);
    throw error;
  }
}

/** What the gateway takes part in, its own stack may have ended meanwhile; and protocols without ports share conversations. */
function expectation({ sent, hook, alone, forged }: Running, direction: 'original' | 'reply', current: boolean | undefined): Expectation | undefined {
  const { transport } = sent.packet;
  const answered = transport.kind === 'tcp' || transport.kind === 'udp' || (transport.kind === 'icmp' && [8, 13, 17, 128].includes(transport.type));
  return hook === 'forward' && alone && answered && !(forged && transport.kind === 'tcp') ? { state: 'established', direction, current } : undefined;
}

async function observe(gateway: KernelGateway, steps: readonly (readonly Sent[])[]): Promise<ReadonlyMap<number, Observation>> {
  const probes = steps.filter((step) => step.length > 0).map((step) => step.map(({ id, entry, packet }) => ({ id, entry, packet })));
  const seen = await gateway.sendSteps(probes);
  gateway.takeStrays();
  return new Map([...seen].map(([id, observation]) => [Number(id), observation]));
}

/** What `evaluate` says of a packet as the kernel saw it at one hook. */
export function judge(gateway: KernelGateway, ruleset: Ruleset, facts: Facts, passage: Passage): { packet: Packet; verdict: Verdict } | undefined {
  const hook = hooks.find((one) => one === passage.hook);
  const state = connectionStates.find((one) => one === passage.state);
  if (hook === undefined || state === undefined) return undefined;
  const packet: Packet = {
    ...facts,
    hook,
    inInterface: passage.in,
    outInterface: passage.out,
    state,
    direction: passage.direction ?? 'original',
    markCurrent: (passage.mark & ruleset.mark.mask) >>> 0 === ruleset.mark.value,
    local: isLocal(gateway, facts, hook, passage.in),
  };
  return { packet, verdict: evaluate(ruleset.house, packet) };
}

function isLocal(gateway: KernelGateway, facts: Facts, hook: string, into: string | undefined): boolean {
  const { links } = gateway.topology;
  const of = (link: (typeof links)[number]): string[] => [...link.spec.addresses.map((address) => address.replace(/\/.*/, '')), link.linkLocal];
  if (hook === 'output') {
    const text = formatAddress(facts.source);
    return (text.startsWith('127.') && text !== '127.255.255.255') || text === '::1' || links.some((link) => of(link).includes(text));
  }
  return links.some((link) => link.spec.name === into && of(link).includes(formatAddress(facts.destination)));
}

/** What is wrong with what the kernel did. */
export function complaint(gateway: KernelGateway, ruleset: Ruleset, sent: Sent, seen: Observation): Complaint | undefined {
  for (const passage of seen.passages) {
    const judged = judge(gateway, ruleset, sent.facts, passage);
    if (judged === undefined) return { kind: 'state', why: `no verdict to compare at ${passage.hook}` };
    const { packet, verdict } = judged;
    const where = `at ${passage.hook}, ${passage.in ?? ''} -> ${passage.out ?? ''}, ${packet.state} ${packet.direction}${packet.markCurrent ? ', marked' : ''}`;
    if (passage.accepted !== verdict.accepted && !(verdict.accepted && verdict.limited)) {
      return {
        kind: 'verdict',
        why: `the kernel ${passage.accepted ? 'accepts' : 'drops'}, evaluate ${verdict.accepted ? 'accepts' : 'drops'} (${verdict.reason.kind}) ${where}`,
      };
    }
    if (!passage.accepted) continue;
    const marked = verdict.marks ? ((passage.mark & ~ruleset.mark.mask) | ruleset.mark.value) >>> 0 : passage.mark;
    if (passage.markAfter !== marked) return { kind: 'mark', why: `the mark becomes ${passage.markAfter ?? 'none'} instead of ${marked} ${where}` };
  }
  const [first] = seen.passages;
  if (first?.hook === 'forward' && first.accepted && seen.wire !== first.out)
    return { kind: 'wire', why: `accepted for ${first.out ?? ''}, seen on ${seen.wire ?? 'no wire'}` };
  if (sent.route !== undefined && (seen.reached !== sent.route.hook || seen.out !== sent.route.out)) {
    return { kind: 'route', why: `routed to ${seen.reached ?? 'nowhere'} ${seen.out ?? ''} instead of ${sent.route.hook} ${sent.route.out ?? ''}` };
  }
  const { expects } = sent;
  if (expects === undefined) return undefined;
  const current = (seen.mark & ruleset.mark.mask) >>> 0 === ruleset.mark.value;
  if (seen.state !== expects.state || seen.direction !== expects.direction) {
    return { kind: 'state', why: `seen as ${seen.state ?? 'nothing'} ${seen.direction ?? ''} instead of ${expects.state} ${expects.direction}` };
  }
  if (expects.current !== undefined && current !== expects.current) return { kind: 'state', why: `its conversation is ${current ? '' : 'not '}marked` };
  return undefined;
}

export function describeSent({ id, entry, packet }: Sent): string {
  const way = entry.kind === 'wire' ? `in by ${entry.interface}` : `from the gateway${entry.interface === undefined ? '' : ` by ${entry.interface}`}`;
  const show = (_key: string, value: unknown): unknown => (value instanceof Uint8Array ? `${value.length} bytes` : value);
  return `packet ${id} ${way}: ${JSON.stringify(packet, show)}`;
}
