// The reader of iptables against the kernel: random rules of every match that it models are loaded by both back ends, conversations are
// sent, and each packet's verdict and mark must be those of the packet sets. What the save commands then print must read as the same sets.

import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseAddress } from '../../src/net/address.ts';
import { type Hook, hooks, type Packet as Judged } from '../../src/packets/packet.ts';
import { PacketSpace } from '../../src/packets/packet-space.ts';
import { read, readRunning } from '../../targets/iptables/reader.ts';
import { describeUnless } from '../described.ts';
import { mark } from '../targets/iptables/interpreter.ts';
import { sets, table } from '../targets/iptables/random-rules.ts';
import type { Packet, Transport } from './frames.ts';
import { type Entry, KernelGateway, type Observation, type Probe } from './gateway.ts';
import { missingRequirement } from './requirements.ts';

const runs = Number(process.env['ZW_IPTABLES_RUNS'] ?? 25);
const seed = Number(process.env['ZW_IPTABLES_SEED'] ?? 17);
const interfaces = ['eth0', 'eth1'];

const addresses = { 4: ['10.0.0.1', '10.0.0.2', '10.0.1.1', '192.168.0.9'], 6: ['2001:db8::1', '2001:db8::2', '2001:db8:1::5'] };
/** Behind which interface an address of the pool is. */
const behind = (address: string): string => (address === '10.0.0.1' || address.startsWith('192.') || address === '2001:db8::1' ? 'eth0' : 'eth1');
const own = { 4: { eth0: '172.16.0.1', eth1: '172.16.1.1' }, 6: { eth0: '2001:db8:f0::1', eth1: '2001:db8:f1::1' } };

function missing(): string | undefined {
  const tools = ['legacy', 'nft'].flatMap((back) => [`iptables-${back}-restore`, `ip6tables-${back}-restore`]);
  const lacking = [...tools, 'ipset'].filter((tool) => spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${tool}`]).status !== 0);
  return missingRequirement() ?? (lacking.length === 0 ? undefined : `kernel tests of iptables skipped: not installed: ${lacking.join(', ')}`);
}

interface Talk {
  readonly from: string;
  readonly to: string;
  readonly ask: Transport;
  readonly answer: Transport | undefined;
}

/** What the two say to each other: a conversation of each protocol, something that belongs to none, and some without ports. */
function talks(family: 4 | 6): Talk[] {
  const others: Transport[] = [{ kind: 'other', protocol: 47, payload: new Uint8Array(16) }];
  const echo = family === 4 ? [8, 0] : [128, 129];
  const pool = [...addresses[family], ...Object.values(own[family])];
  const result: Talk[] = [];
  for (const [index, from] of pool.entries()) {
    for (const to of pool) {
      if (from === to || (isOwn(from) && isOwn(to))) continue;
      for (const port of [1, 53, 502]) {
        const source = port === 53 ? 502 : 2000 + index;
        result.push({
          from,
          to,
          ask: { kind: 'tcp', sourcePort: source, destinationPort: port, flags: 'S', sequence: 1000 },
          answer: { kind: 'tcp', sourcePort: port, destinationPort: source, flags: 'SA', sequence: 9000, acknowledgement: 1001 },
        });
        result.push({
          from,
          to,
          ask: { kind: 'udp', sourcePort: source, destinationPort: port },
          answer: { kind: 'udp', sourcePort: port, destinationPort: source },
        });
      }
      result.push({
        from,
        to,
        ask: { kind: 'icmp', type: echo[0] ?? 8, rest: index * 65_536 },
        answer: { kind: 'icmp', type: echo[1] ?? 0, rest: index * 65_536 },
      });
      result.push({ from, to, ask: { kind: 'tcp', sourcePort: 7, destinationPort: 502, flags: 'R' }, answer: undefined });
      for (const ask of others) result.push({ from, to, ask, answer: ask });
    }
  }
  return result;
}

function isOwn(address: string): boolean {
  return Object.values(own).some((addresses) => Object.values(addresses).includes(address));
}

function probesOf(talk: Talk, id: string, hopLimit: number): Probe[][] {
  const entry = (from: string): Entry => (isOwn(from) ? { kind: 'local' } : { kind: 'wire', interface: behind(from) });
  const { from, to, ask, answer } = talk;
  const packet = (source: string, destination: string, transport: Transport): Packet => ({ source, destination, transport, hopLimit });
  const back: Probe[] = answer === undefined ? [] : [{ id: `${id} answer`, entry: entry(to), packet: packet(to, from, answer) }];
  const again: Transport = ask.kind === 'tcp' && ask.flags === 'S' ? { ...ask, flags: 'A', sequence: 1001, acknowledgement: 9001 } : ask;
  return [
    [{ id: `${id} ask`, entry: entry(from), packet: packet(from, to, ask) }],
    back,
    [{ id: `${id} again`, entry: entry(from), packet: packet(from, to, again) }],
  ];
}

/** The packet as the packet space has it, at its pass through one hook. */
function judged({ packet }: Probe, passage: Observation['passages'][number]): Judged | undefined {
  if (Array.isArray(packet)) return undefined;
  const { source, destination, transport, hopLimit = 64 } = packet as Packet;
  const [from, to] = [parseAddress(source), parseAddress(destination)];
  const { hook, state } = passage;
  if (from === undefined || to === undefined || state === undefined || !isHook(hook)) return undefined;
  const icmp = from.family === 4 ? 1 : 58;
  const ports = transport.kind === 'tcp' || transport.kind === 'udp';
  return {
    hook,
    inInterface: passage.in,
    outInterface: passage.out,
    source: from,
    destination: to,
    protocol: transport.kind === 'tcp' ? 6 : transport.kind === 'udp' ? 17 : transport.kind === 'icmp' ? icmp : transport.protocol,
    sourcePort: ports ? transport.sourcePort : 0,
    value: ports ? transport.destinationPort : transport.kind === 'icmp' ? transport.type * 256 + (transport.code ?? 0) : 0,
    functionNumber: 0,
    hopLimit: hook === 'forward' ? hopLimit - 1 : hopLimit,
    state,
    direction: passage.direction ?? 'original',
    markCurrent: (passage.mark & mark.mask) >>> 0 === mark.value,
    local: false,
  };
}

function isHook(name: string): name is Hook {
  return hooks.some((hook) => hook === name);
}

/** Both tables, so that what the last rules left is gone. */
function whole(text: string): string {
  return text.startsWith('*mangle') ? text : `*mangle\nCOMMIT\n${text}`;
}

for (const back of ['legacy', 'nft'] as const) {
  describeUnless(missing(), `the reader of iptables and the kernel, ${back} back end`, () => {
    let gateway: KernelGateway;

    beforeAll(async () => {
      const routes = { eth0: ['10.0.0.1/32', '192.168.0.0/24', '2001:db8::1/128'], eth1: ['10.0.0.0/23', '2001:db8::/64', '2001:db8:1::/64'] };
      gateway = await KernelGateway.create({
        interfaces: [
          { name: 'eth0', addresses: [`${own[4].eth0}/24`, `${own[6].eth0}/64`], routes: routes.eth0 },
          { name: 'eth1', addresses: [`${own[4].eth1}/24`, `${own[6].eth1}/64`], routes: routes.eth1 },
        ],
        // Around mangle and security.
        window: { before: -160, after: 60 },
      });
      await gateway.run('ipset', ['restore'], sets);
    });
    afterAll(async () => gateway.dispose());

    it(`agree on ${runs} random rules`, async () => {
      const seen = { accepted: 0, dropped: 0, marked: 0, established: 0, invalid: 0, forward: 0, input: 0, output: 0 };
      const texts = fc.sample(fc.tuple(table(4, true), table(6, true), fc.constantFrom(64, 65, 255)), { numRuns: runs, seed });
      for (const [v4, v6, hopLimit] of texts) {
        await gateway.run(`iptables-${back}-restore`, [], whole(v4));
        await gateway.run(`ip6tables-${back}-restore`, [], whole(v6));
        await gateway.flushConntrack();
        const space = new PacketSpace(interfaces);
        // As a gateway would print them: of what we emit, other answers than resets are refused.
        const files = [
          { name: 'four', text: `# Generated by iptables-save\n${v4}` },
          { name: 'six', text: `# Generated by ip6tables-save\n${v6}` },
          { name: 'sets', text: sets },
        ];
        // Unknown are packets of interfaces that are not here, where a rule says `eth+`.
        const { accepted, marked, unknown } = readRunning(files, { space, mark });
        const probes = ([4, 6] as const).flatMap((family) => talks(family).map((talk, index) => probesOf(talk, `${family} ${index}`, hopLimit)));
        const steps = [0, 1, 2].map((step) => probes.flatMap((parts) => parts[step] ?? []));
        const observed = await gateway.sendSteps(steps);
        for (const probe of steps.flat()) {
          for (const passage of observed.get(probe.id)?.passages ?? []) {
            const packet = judged(probe, passage);
            if (packet === undefined) continue;
            const text = (): string =>
              `${v4}\n${v6}\n${JSON.stringify(packet, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value))}`;
            expect(space.contains(unknown, packet), text()).toBe(false);
            expect(space.contains(accepted, packet), text()).toBe(passage.accepted);
            seen[passage.accepted ? 'accepted' : 'dropped']++;
            seen[packet.hook]++;
            if (packet.state === 'established' || packet.state === 'invalid') seen[packet.state]++;
            if (passage.markAfter === undefined) continue;
            const after = (passage.markAfter & mark.mask) >>> 0 === mark.value;
            expect(after, text()).toBe(packet.markCurrent || space.contains(marked, packet));
            if (after) seen.marked++;
          }
        }
        const saved = await Promise.all(
          [`ip6tables-${back}-save`, `iptables-${back}-save`, 'ipset'].map(async (tool) => ({
            name: tool,
            text: (await gateway.run(tool, tool === 'ipset' ? ['save'] : [])).stdout,
          })),
        );
        expect(readRunning(saved, { space, mark })).toMatchObject({ accepted, marked, unknown, others: [] });
      }
      for (const [name, count] of Object.entries(seen)) expect([name, count > runs]).toEqual([name, true]);
    });

    it('agree on what is local to the gateway', async () => {
      const v4 =
        '*mangle\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n-A INPUT -m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT\n-A OUTPUT -m addrtype --src-type LOCAL -j ACCEPT\nCOMMIT\n';
      await gateway.run(`iptables-${back}-restore`, [], v4);
      await gateway.run(`ip6tables-${back}-restore`, [], v4);
      await gateway.flushConntrack();
      const space = new PacketSpace(interfaces);
      const { accepted, unknown } = read(
        [
          { name: 'iptables.rules', text: v4 },
          { name: 'ip6tables.rules', text: v4 },
        ],
        { space, mark },
      );
      const udp: Transport = { kind: 'udp', sourcePort: 5, destinationPort: 6 };
      const wire: Entry = { kind: 'wire', interface: 'eth0' };
      const cases = ([4, 6] as const).flatMap((family): [Probe, boolean][] => {
        const [near = '', , far = ''] = addresses[family];
        const stranger = family === 4 ? '10.9.9.9' : '2001:db8:9::9';
        const packet = (source: string, destination: string): Packet => ({ source, destination, transport: udp });
        return [
          [{ id: `${family} its own`, entry: wire, packet: packet(near, own[family].eth0) }, true],
          [{ id: `${family} of another interface`, entry: wire, packet: packet(near, own[family].eth1) }, false],
          [{ id: `${family} sends`, entry: { kind: 'local' }, packet: packet(own[family].eth0, far) }, true],
          [{ id: `${family} sends as a stranger`, entry: { kind: 'local' }, packet: packet(stranger, far) }, false],
        ];
      });
      const observed = await gateway.send(cases.map(([probe]) => probe));
      for (const [probe, local] of cases) {
        const passage = observed.get(probe.id)?.passages[0];
        const packet = passage === undefined ? undefined : judged(probe, passage);
        if (passage === undefined || packet === undefined) throw new Error(`${probe.id} came to no hook`);
        expect([probe.id, passage.accepted]).toEqual([probe.id, local]);
        expect(space.contains(accepted, { ...packet, local })).toBe(local);
        expect(space.contains(unknown, { ...packet, local })).toBe(false);
      }
    });

    // The one case in which the back ends see another protocol; the reader leaves out what lies behind that header.
    it('see an authentication header of IPv6 by -m ah, and what is behind it or not', async () => {
      const rest = Uint8Array.from([1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0]);
      const asked = async (rule: string): Promise<boolean | undefined> => {
        await gateway.run(`ip6tables-${back}-restore`, [], `*mangle\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n-A FORWARD ${rule} -j ACCEPT\nCOMMIT\n`);
        const packet: Packet = {
          source: '2001:db8::1',
          destination: '2001:db8::2',
          transport: { kind: 'tcp', sourcePort: 7, destinationPort: 502, flags: 'S' },
          extensions: [{ kind: 'header', protocol: 51, rest }],
        };
        return (await gateway.send([{ id: rule, entry: { kind: 'wire', interface: 'eth0' }, packet }])).get(rule)?.accepted;
      };
      expect(await asked('-m ah')).toBe(true);
      expect(await asked('-m set --match-set p6 src,dst')).toBe(true);
      expect(await asked('-p tcp')).toBe(back === 'legacy');
      expect(await asked('-p ah')).toBe(back === 'nft');
    });
  });
}
