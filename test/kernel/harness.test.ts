// The harness against small rulesets written by hand: the verdict that it reports is the one that the ruleset must give, and what the
// kernel decides by itself, before any ruleset, is what README.md says.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodePacket, ethernetFrame, type Extension, type Packet, type Transport } from './frames.ts';
import { KernelGateway, type Observation, type Probe } from './gateway.ts';
import { readPcap, writePcap } from './pcap.ts';
import { describeKernel } from './requirements.ts';
import { StationProgram } from './real.ts';
import { summarize } from './stamp.ts';
import { removeStale } from './topology.ts';

const ruleset = `
table inet zonewright {
  chain forward {
    type filter hook forward priority filter; policy drop;
    tcp dport 502 accept
    udp dport 53 log prefix "asked" group 7 accept
    icmp type echo-request accept
    icmpv6 type echo-request accept
  }
  chain input {
    type filter hook input priority filter; policy drop;
    udp dport 53 accept
  }
  chain output {
    type filter hook output priority filter; policy drop;
    udp dport 53 accept
  }
}
`;

const udp = (destinationPort: number): Transport => ({ kind: 'udp', sourcePort: 4000, destinationPort, payload: new Uint8Array(8) });
const tcp = (destinationPort: number, flags = 'S'): Transport => ({ kind: 'tcp', sourcePort: 4000, destinationPort, flags });
const v4 = (transport: Transport, source = '10.0.1.5', destination = '10.0.2.7'): Packet => ({ source, destination, transport });
const v6 = (transport: Transport, source = '2001:db8:1::5', destination = '2001:db8:2::7'): Packet => ({ source, destination, transport });

describeKernel('the kernel harness', () => {
  let gateway: KernelGateway;

  beforeAll(async () => {
    gateway = await KernelGateway.create({
      interfaces: [
        { name: 'eth0', addresses: ['10.0.1.1/24', '2001:db8:1::1/64'], joins: ['239.1.1.1', 'ff05::123'] },
        { name: 'eth1.31', addresses: ['10.0.2.1/24', '2001:db8:2::1/64'], routes: ['10.2.0.0/16', '::/0'] },
      ],
      logGroups: [7],
    });
  });
  afterEach(async () => gateway.reset());
  afterAll(async () => gateway.dispose());

  async function one(packet: Packet | readonly Uint8Array[], from = 'eth0'): Promise<Observation> {
    return only(await gateway.send([{ id: 0, entry: from === 'local' ? { kind: 'local' } : { kind: 'wire', interface: from }, packet }]));
  }

  describe('reports the verdict of a ruleset', () => {
    const forwarded = { arrived: true, reached: 'forward', in: 'eth0', out: 'eth1.31', state: 'new', direction: 'original', errno: undefined };
    const passed = { ...forwarded, accepted: true, wire: 'eth1.31', frames: 1 };
    const dropped = { ...forwarded, accepted: false, wire: undefined, frames: 0 };

    it.each<[string, Packet, object]>([
      ['IPv4 TCP', v4(tcp(502)), passed],
      ['IPv4 TCP denied', v4(tcp(503)), dropped],
      ['IPv4 UDP', v4(udp(53)), { ...passed, logs: [{ group: 7, prefix: 'asked', hook: 'forward' }] }],
      ['IPv4 UDP denied', v4(udp(54)), { ...dropped, logs: [] }],
      ['IPv4 echo', v4({ kind: 'icmp', type: 8 }), passed],
      ['IPv4 timestamp denied', v4({ kind: 'icmp', type: 13, body: new Uint8Array(12) }), dropped],
      ['IPv4 ESP denied', v4({ kind: 'other', protocol: 50, payload: new Uint8Array(16) }), dropped],
      ['IPv6 TCP', v6(tcp(502)), passed],
      ['IPv6 TCP denied', v6(tcp(503)), dropped],
      ['IPv6 UDP', v6(udp(53)), passed],
      ['IPv6 echo', v6({ kind: 'icmp', type: 128 }), passed],
      ['IPv6 GRE denied', v6({ kind: 'other', protocol: 47, payload: new Uint8Array(16) }), dropped],
    ])('%s forwarded', async (_, packet, expected) => {
      await gateway.load(ruleset);
      expect(await one(packet)).toMatchObject(expected);
    });

    it('in input', async () => {
      await gateway.load(ruleset);
      const input = { arrived: true, reached: 'input', in: 'eth0', out: undefined, wire: undefined };
      expect(await one(v4(udp(53), '10.0.1.5', '10.0.1.1'))).toMatchObject({ ...input, accepted: true });
      expect(await one(v4(udp(54), '10.0.1.5', '10.0.2.1'))).toMatchObject({ ...input, accepted: false });
      expect(await one(v6(udp(53), '2001:db8:1::5', '2001:db8:1::1'))).toMatchObject({ ...input, accepted: true });
    });

    it('in output', async () => {
      await gateway.load(ruleset);
      const output = { arrived: false, reached: 'output', in: undefined, out: 'eth1.31' };
      expect(await one(v4(udp(53), '10.0.2.1'), 'local')).toMatchObject({ ...output, accepted: true, wire: 'eth1.31' });
      expect(await one(v4(udp(54), '10.0.2.1'), 'local')).toMatchObject({ ...output, accepted: false, wire: undefined, errno: 1 });
      expect(await one(v6(udp(53), '2001:db8:2::1'), 'local')).toMatchObject({ ...output, accepted: true, wire: 'eth1.31' });
    });

    it('of one that the gateway sends to itself, at both hooks', async () => {
      await gateway.load(ruleset);
      const { passages } = await one(v4(udp(53), '10.0.2.1', '10.0.1.1'), 'local');
      expect(passages.map(({ hook, in: into, out, accepted }) => [hook, into, out, accepted])).toEqual([
        ['output', undefined, 'lo', true],
        ['input', 'lo', undefined, true],
      ]);
    });

    it('that refuses with nft’s own words what is no ruleset', async () => {
      await expect(gateway.load('table inet zonewright { chain }')).rejects.toThrow('syntax error');
    });

    it('keeps watching after a flush, and lists what is loaded', async () => {
      await gateway.load(`flush ruleset\n${ruleset}`);
      expect((await one(v4(tcp(503)))).accepted).toBe(false);
      expect(await gateway.list()).toContain('tcp dport 502 accept');
      expect(JSON.stringify(await gateway.listJson('inet zonewright'))).toContain('"name":"forward"');
    });
  });

  describe('sees what the kernel decides before a ruleset', () => {
    const input = { reached: 'input', accepted: true };
    const forward = { reached: 'forward', accepted: true };
    const nowhere = { reached: undefined, accepted: false };

    it.each<[string, object]>([
      ['10.0.1.255', input],
      ['10.0.2.255', input],
      ['255.255.255.255', input],
      ['10.0.2.0', forward],
      ['10.2.255.255', forward],
      ['224.0.0.1', input],
      ['239.1.1.1', input],
      ['239.9.9.9', nowhere],
      ['127.0.0.1', nowhere],
      ['0.0.0.0', nowhere],
      ['192.0.2.77', nowhere],
    ])('to %s', async (destination, expected) => {
      expect(await one(v4(udp(53), '10.0.1.5', destination))).toMatchObject(expected);
    });

    it.each<[string, object]>([
      ['2001:db8:1::', input],
      ['2001:db8:2::', input],
      ['ff02::1', input],
      ['ff05::123', input],
      ['ff05::9', nowhere],
      ['::1', nowhere],
      ['fe80::9', { ...forward, out: 'eth0' }],
      ['::ffff:10.0.2.7', forward],
    ])('to %s', async (destination, expected) => {
      expect(await one(v6(udp(53), '2001:db8:1::5', destination))).toMatchObject(expected);
    });

    it.each<[string, object]>([
      ['0.0.0.0', nowhere],
      ['127.0.0.1', nowhere],
      ['224.0.0.1', nowhere],
      ['255.255.255.255', nowhere],
      ['10.0.1.1', nowhere],
      ['10.0.2.1', nowhere],
      ['240.0.0.1', forward],
      ['10.0.1.255', forward],
      ['10.0.2.9', { ...forward, in: 'eth0', out: 'eth1.31' }],
      ['10.9.9.9', forward],
    ])('from %s', async (source, expected) => {
      expect(await one(v4(udp(53), source))).toMatchObject(expected);
    });

    it.each<[string, object]>([
      ['::', nowhere],
      ['::1', nowhere],
      ['ff02::1', nowhere],
      ['fe80::9', nowhere],
      ['2001:db8:1::1', forward],
      ['2001:db8:2::9', forward],
    ])('from %s', async (source, expected) => {
      expect(await one(v6(udp(53), source))).toMatchObject(expected);
    });

    it('answers a TTL that runs out itself', async () => {
      gateway.takeStrays();
      expect(await one({ ...v4(udp(53)), hopLimit: 1 })).toMatchObject({ arrived: true, ...nowhere });
      expect(await one({ ...v6(udp(53)), hopLimit: 1 })).toMatchObject({ arrived: true, ...nowhere });
      const errors = gateway
        .takeStrays()
        .filter(({ at }) => at === 'wire')
        .map(({ packet }) => [packet.source, packet.protocol, packet.first]);
      expect(errors).toEqual(
        expect.arrayContaining([
          ['10.0.1.1', 1, 11],
          ['2001:db8:1::1', 58, 3],
        ]),
      );
    });

    it('does not forward a frame that was not addressed to it', async () => {
      const other = Uint8Array.from([2, 1, 1, 1, 1, 1]);
      const sent = await gateway.send([{ id: 0, entry: { kind: 'wire', interface: 'eth0', mac: other }, packet: v4(tcp(502)) }]);
      expect(only(sent)).toMatchObject({ arrived: false, ...nowhere });
    });
  });

  describe('shows headers and fragments as the ruleset sees them', () => {
    const address = Uint8Array.from([0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
    const plain = Uint8Array.from([0, 0, 0, 0, 0, 0, 0]);
    it.each<[string, readonly Extension[], boolean]>([
      ['hop-by-hop', [{ kind: 'hop-by-hop' }], true],
      ['two destination options', [{ kind: 'destination' }, { kind: 'destination' }], true],
      ['routing 0, no segment left', [{ kind: 'routing', type: 0, segmentsLeft: 0, data: address }], true],
      ['routing 2, one left', [{ kind: 'routing', type: 2, segmentsLeft: 1, data: address }], true],
      ['routing 4, one left', [{ kind: 'routing', type: 4, segmentsLeft: 1, data: address }], true],
      ['an atomic fragment', [{ kind: 'fragment' }], true],
      ['authentication', [{ kind: 'header', protocol: 51, rest: Uint8Array.from([4, ...new Uint8Array(22)]) }], false],
      ['mobility', [{ kind: 'header', protocol: 135, rest: plain }], false],
      ['HIP', [{ kind: 'header', protocol: 139, rest: plain }], false],
    ])('IPv6 TCP behind %s', async (_, extensions, seen) => {
      await gateway.load(ruleset);
      expect(await one({ ...v6(tcp(502)), extensions })).toMatchObject({ reached: 'forward', accepted: seen });
    });

    it.each([4, 6])('fragments of IPv%i are one packet to it, and fragments again on the wire', async (family) => {
      await gateway.load(ruleset);
      const whole = (port: number): Packet => {
        const transport: Transport = { kind: 'udp', sourcePort: 4000, destinationPort: port, payload: new Uint8Array(64) };
        return { ...(family === 4 ? v4(transport) : v6(transport)), fragments: 3 };
      };
      const passed = await one(whole(53));
      expect(passed).toMatchObject({ state: 'new', accepted: true, wire: 'eth1.31', frames: 3 });
      expect(passed.passages).toHaveLength(1);
      expect(await one([...encodePacket(whole(53))].reverse())).toMatchObject({ accepted: true, frames: 3 });
      expect(await one(whole(54))).toMatchObject({ reached: 'forward', accepted: false, frames: 0 });
      expect(await one(encodePacket(whole(53)).slice(0, 2))).toMatchObject({ reached: undefined });
    });

    it('an IPv6 first fragment without its whole transport header is not reassembled, and invalid', async () => {
      expect(await one({ ...v6(tcp(502)), fragments: 2 })).toMatchObject({ reached: 'forward', state: 'invalid' });
      expect(await one({ ...v4(tcp(502)), fragments: 2 })).toMatchObject({ reached: 'forward', state: 'new' });
    });
  });

  it('loses nothing: 6000 probes, each with its verdict', async () => {
    await gateway.load(ruleset);
    const batch: Probe[] = Array.from({ length: 6000 }, (_, id) => {
      const transport: Transport = { kind: 'tcp', sourcePort: 1024 + (id >> 1), destinationPort: id % 2 === 0 ? 502 : 503, flags: 'S' };
      const packet = id % 3 === 0 ? v6(transport) : v4(transport, '10.0.1.5', `10.0.2.${(id % 200) + 20}`);
      return { id, entry: { kind: 'wire', interface: 'eth0' }, packet };
    });
    const start = performance.now();
    const seen = await gateway.send(batch);
    const rate = (batch.length / (performance.now() - start)) * 1000;
    console.log(`kernel harness: ${Math.round(rate)} probes a second`);
    expect(seen.size).toBe(batch.length);
    const wrong = batch.filter(({ id }) => {
      const observation = seen.get(id);
      const expected = Number(id) % 2 === 0;
      const passed = observation?.accepted === true && observation.wire === 'eth1.31';
      return observation?.reached !== 'forward' || passed !== expected;
    });
    expect(wrong).toEqual([]);
  });

  it('keeps order over 300 barriers and two interfaces', async () => {
    await gateway.load(ruleset.replace('policy drop;', 'policy drop; ct state established accept'));
    const steps = Array.from({ length: 150 }, (_, index): readonly (readonly Probe[])[] => {
      const ask: Transport = { kind: 'udp', sourcePort: 2000 + index, destinationPort: 53 };
      const answer: Transport = { kind: 'udp', sourcePort: 53, destinationPort: 2000 + index };
      return [
        [{ id: `answer early ${index}`, entry: { kind: 'wire', interface: 'eth1.31' }, packet: v4(answer, '10.0.2.7', '10.0.1.5') }],
        [
          { id: `ask ${index}`, entry: { kind: 'wire', interface: 'eth0' }, packet: v4(ask) },
          { id: `answer ${index}`, entry: { kind: 'wire', interface: 'eth1.31' }, packet: v4(answer, '10.0.2.7', '10.0.1.5') },
        ],
      ];
    }).flat();
    const seen = await gateway.sendSteps(steps);
    for (let index = 0; index < 150; index += 1) {
      expect(seen.get(`answer early ${index}`)).toMatchObject({ state: 'new', accepted: false });
      expect(seen.get(`ask ${index}`)).toMatchObject({ state: 'new', accepted: true });
      expect(seen.get(`answer ${index}`)).toMatchObject({ state: 'established', direction: 'reply', accepted: true, wire: 'eth0' });
    }
  });

  it('agrees with tcpreplay and tcpdump', async () => {
    await gateway.load(ruleset);
    const packets = Array.from({ length: 40 }, (_, index) => v4({ kind: 'udp', sourcePort: 3000 + index, destinationPort: index % 2 === 0 ? 53 : 54 }));
    const seen = await gateway.send(packets.map((packet, id) => ({ id, entry: { kind: 'wire', interface: 'eth0' }, packet })));
    const passed = packets.flatMap((_, id) => (seen.get(id)?.wire === 'eth1.31' ? [3000 + id] : []));
    await gateway.flushConntrack();
    expect(await replayed(gateway, packets)).toEqual(passed);
    expect(passed).toHaveLength(20);
  });

  it('leaves nothing behind and removes what a dead process left', async () => {
    const exec = promisify(execFile);
    const dead = 'zwgw-4194999-1';
    await exec('ip', ['netns', 'add', dead]);
    const second = await KernelGateway.create({ interfaces: [{ name: 'eth0', addresses: ['10.0.1.1/24'] }] });
    const during = (await exec('ip', ['netns'])).stdout;
    expect(during).toContain(second.topology.gateway);
    expect(during).not.toContain(dead);
    await second.dispose();
    await removeStale();
    const after = (await exec('ip', ['netns'])).stdout;
    expect(after).not.toContain(second.topology.gateway);
    expect(after).not.toContain(second.topology.world);
    expect(after).toContain(gateway.topology.gateway);
  });
});

function only(observations: ReadonlyMap<unknown, Observation>): Observation {
  const [observation] = observations.values();
  if (observation === undefined) throw new Error('no observation');
  return observation;
}

/** Source ports of the packets that tcpdump took behind eth1.31 when tcpreplay sent them before eth0. */
async function replayed(gateway: KernelGateway, packets: readonly Packet[]): Promise<readonly number[]> {
  const folder = await mkdtemp(join(tmpdir(), 'zonewright-kernel-'));
  const [from, to] = [gateway.link('eth0'), gateway.link('eth1.31')];
  try {
    const frames = packets.flatMap((packet) => encodePacket(packet).map((bytes) => ethernetFrame(bytes, from.far.mac, from.mac)));
    await writeFile(join(folder, 'sent.pcap'), writePcap(frames));
    const capture = new StationProgram(
      to.far.namespace,
      ['-c', 'exec tcpdump --immediate-mode -U -n -Z root -i "$0" -w "$1" -c 20 udp 2>&1', to.far.name, join(folder, 'seen.pcap')],
      { command: 'sh' },
    );
    await capture.line(/listening on/);
    const replay = new StationProgram(from.far.namespace, ['-q', '--topspeed', '-i', from.far.name, join(folder, 'sent.pcap')], { command: 'tcpreplay' });
    expect(await replay.ended()).toBe(0);
    await capture.line(/packets captured/);
    await capture.ended();
    return readPcap(await readFile(join(folder, 'seen.pcap'))).map((frame) => summarize(frame.slice(14))?.first ?? 0);
  } finally {
    await rm(folder, { recursive: true });
  }
}
