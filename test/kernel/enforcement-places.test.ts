// Rules 1, 4, 5 and 6 by hand: where a packet comes from and goes to, what is the gateway's own, the baseline, and how a packet is read
// (families, fragments, extension headers).

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Bench, but, by, families, type Family, ipv4, ipv6, passed, withPort } from './bench.ts';
import { echoReply, echoRequest, type Ends, errorAbout, type Part, TcpConversation, udpAnswer, udpAsk } from './conversations.ts';
import type { Packet, Transport } from './frames.ts';
import { describeKernel } from './requirements.ts';

const everything = 'flow everything { from any  to any  allow any }';

function wire(name: string, packet: Packet): Part {
  return { entry: { kind: 'wire', interface: name }, packet };
}

function local(packet: Packet, name?: string): Part {
  return { entry: name === undefined ? { kind: 'local' } : { kind: 'local', interface: name }, packet };
}

const syn = (port: number): Transport => ({ kind: 'tcp', sourcePort: 4000, destinationPort: port, flags: 'S' });

describeKernel('places', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.create();
  });
  afterEach(async () => {
    await bench.gateway.reset();
    bench.gateway.takeStrays();
  });
  afterAll(async () => bench.dispose());

  /** Hook and verdict, as `forward passes`. */
  async function fates(...parts: readonly Part[]): Promise<readonly string[]> {
    return (await bench.send(...parts)).map((seen) => `${seen.reached ?? 'nowhere'} ${passed(seen) ? 'passes' : 'dies'}`);
  }

  // -- rule 1 -----------------------------------------------------------------------------------------------------

  it.each(families)('%s: a source must lie behind the interface it came by, a destination behind the one it leaves by', async (name, { ends }) => {
    await bench.enforce({ flows: everything });
    const ask = udpAsk(ends);
    const unclaimed = name === 'IPv4' ? '198.51.100.1' : '2001:db8:ffff::1';
    expect(await fates(ask, by(ask, 'eth1'), by(ask, 'eth2'), by(ask, 'eth3'), but(ask, { source: unclaimed }))).toEqual([
      'forward passes',
      'forward dies',
      'forward dies',
      'forward dies',
      'forward dies',
    ]);
    const beside = name === 'IPv4' ? ['10.0.0.255', '10.0.2.0'] : ['2001:db8:0:ffff:ffff:ffff:ffff:ffff', '2001:db8:1:1::'];
    for (const source of beside) expect([source, ...(await fates(but(ask, { source })))]).toEqual([source, 'forward dies']);
  });

  it('a destination that the route leads to the wrong side is denied', async () => {
    await bench.enforce({ flows: everything });
    await bench.gateway.run('ip', ['route', 'add', '10.9.1.0/24', 'dev', 'eth2']);
    try {
      expect(await fates(but(udpAsk(ipv4.ends), { destination: '10.9.1.5' }), but(udpAsk(ipv4.ends), { destination: '10.9.2.5' }))).toEqual([
        'forward dies',
        'forward passes',
      ]);
    } finally {
      await bench.gateway.run('ip', ['route', 'del', '10.9.1.0/24', 'dev', 'eth2']);
    }
  });

  const hairpins = families.map(([name]) =>
    name === 'IPv4'
      ? ([name, '10.0.3.9', '10.0.3.200', '10.0.4.9', '10.0.4.200'] as const)
      : ([name, '2001:db8:3:a::9', '2001:db8:3:b::9', '2001:db8:4:a::9', '2001:db8:4:b::9'] as const),
  );

  it.each(hairpins)('%s: back out of one interface: routed by a flow, shared wire never', async (_name, cellA, cellB, wireA, wireB) => {
    const routed = wire('eth2', { source: cellA, destination: cellB, transport: syn(502) });
    const shared = wire('eth3', { source: wireA, destination: wireB, transport: syn(502) });
    await bench.enforce({ flows: everything });
    expect(await fates(routed, shared)).toEqual(['forward passes', 'forward dies']);
    await bench.enforce({ flows: 'flow ab { from cell_a  to cell_b  allow tcp 502 }' });
    expect(await fates(but(routed, { transport: { ...syn(502), kind: 'udp' } as Transport }), routed, but(routed, { transport: syn(503) }))).toEqual([
      'forward dies',
      'forward passes',
      'forward dies',
    ]);
    await bench.enforce({});
    expect(await fates(routed)).toEqual(['forward dies']);
  });

  it.each(hairpins)('%s: within a zone behind a routed interface a flow must allow it too', async (_name, cellA) => {
    const beside = cellA.replace(/9$/, '8');
    const inside = wire('eth2', { source: cellA, destination: beside, transport: syn(502) });
    await bench.enforce({ flows: 'flow inside { from cell_a  to cell_a  allow tcp 502 }' });
    expect(await fates(inside, but(inside, { transport: syn(503) }))).toEqual(['forward passes', 'forward dies']);
  });

  // -- rule 4 -----------------------------------------------------------------------------------------------------

  it('a flow between addresses of one family opens nothing in the other', async () => {
    await bench.enforce({ flows: 'flow six { from office  to 2001:db8:2::7  allow udp 502 }' });
    expect(await fates(udpAsk(ipv4.ends), udpAsk(ipv6.ends))).toEqual(['forward dies', 'forward passes']);
    await bench.enforce({ flows: 'flow four { from 10.0.1.5  to press  allow udp 502 }' });
    await bench.gateway.flushConntrack();
    expect(await fates(udpAsk(ipv4.ends), udpAsk(ipv6.ends))).toEqual(['forward passes', 'forward dies']);
  });

  it('a wide network inside a wider zone begins and ends where it says', async () => {
    await bench.enforce({ flows: 'flow inner { from office  to 2001:db8:9:5::/64, 10.9.4.0/22  allow udp 502 }' });
    const to = (family: Family, destination: string): Part => but(udpAsk(family.ends), { destination });
    const inside = ['2001:db8:9:5::', '2001:db8:9:5:ffff:ffff:ffff:ffff']
      .map((address) => to(ipv6, address))
      .concat(['10.9.4.0', '10.9.7.255'].map((address) => to(ipv4, address)));
    const beside = ['2001:db8:9:4:ffff:ffff:ffff:ffff', '2001:db8:9:6::']
      .map((address) => to(ipv6, address))
      .concat(['10.9.3.255', '10.9.8.0'].map((address) => to(ipv4, address)));
    expect(await fates(...inside, ...beside)).toEqual([...Array(4).fill('forward passes'), ...Array(4).fill('forward dies')]);
  });

  it('a host with one address in a zone of two families opens nothing in the other', async () => {
    await bench.enforce({ flows: 'host pump in press { address 2001:db8:2::7 }\nflow to_pump { from any  to pump  allow udp 502 }' });
    expect(await fates(udpAsk(ipv4.ends), udpAsk(ipv6.ends))).toEqual(['forward dies', 'forward passes']);
  });

  it('an ICMPv6 message opens no ICMP, also not as protocol 58 in IPv4, and the reverse', async () => {
    await bench.enforce({ flows: 'flow six { from any  to any  allow icmpv6 type 128 }' });
    const disguised = (family: Family, protocol: number, type: number): Part =>
      but(udpAsk(family.ends), { transport: { kind: 'other', protocol, payload: Uint8Array.from([type, 0, 0, 0, 0, 1, 0, 1]) } });
    expect(await fates(echoRequest(ipv4.ends), disguised(ipv4, 58, 128), echoRequest(ipv6.ends))).toEqual(['forward dies', 'forward dies', 'forward passes']);
    await bench.enforce({ flows: 'flow four { from any  to any  allow icmp type 8 }' });
    await bench.gateway.flushConntrack();
    expect(await fates(echoRequest(ipv4.ends), disguised(ipv6, 1, 8), echoRequest(ipv6.ends))).toEqual(['forward passes', 'forward dies', 'forward dies']);
    await bench.enforce({ flows: 'flow both { from any  to any  allow icmp echo-request }' });
    await bench.gateway.flushConntrack();
    expect(await fates(echoRequest(ipv4.ends), echoRequest(ipv6.ends))).toEqual(['forward passes', 'forward passes']);
  });

  // -- rule 5 -----------------------------------------------------------------------------------------------------

  it.each(families)('%s: flows never reach the gateway', async (_name, { ends, own }) => {
    await bench.enforce({ flows: everything });
    const to = (destination: string): Part => but(udpAsk(ends), { destination });
    expect(await fates(...Object.values(own).map(to))).toEqual(Array(4).fill('input dies'));
    expect(await fates(local({ source: own.eth1, destination: ends.server.address, transport: syn(502) }))).toEqual(['output dies']);
  });

  it.each(families)('%s: directed broadcast, anycast and multicast are never forwarded', async (name, { ends }) => {
    await bench.enforce({ flows: everything });
    const to = (destination: string): Part => but(udpAsk(ends), { destination });
    const own = name === 'IPv4' ? ['10.0.1.255', '10.0.2.255', '10.0.3.127', '255.255.255.255'] : ['2001:db8:1::', '2001:db8:2::', '2001:db8:3:a::'];
    expect(await fates(...own.map(to))).toEqual(own.map(() => 'input dies'));
    const groups = name === 'IPv4' ? ['224.0.0.1', '239.1.2.3'] : ['ff02::1', 'ff05::1:3'];
    for (const seen of await bench.send(...groups.map(to))) expect([seen.accepted, seen.wire]).toEqual([false, undefined]);
    // What looks like one and is an ordinary address of a network behind another router passes.
    const ordinary = name === 'IPv4' ? ['10.0.2.0', '10.9.255.255', '10.9.0.0'] : ['2001:db8:9::', '2001:db8:9:ffff::'];
    expect(await fates(...ordinary.map(to))).toEqual(ordinary.map(() => 'forward passes'));
  });

  it.each(families)('%s: the gateway as a source is spoofed', async (name, { ends, own }) => {
    await bench.enforce({ flows: everything });
    const forged = Object.values(own).map((source) => but(udpAsk(ends), { source }));
    // The kernel itself drops these in IPv4.
    expect(await fates(...forged)).toEqual(Array(4).fill(name === 'IPv4' ? 'nowhere dies' : 'forward dies'));
  });

  it.each(families)('%s: manage and receive mean the address of the interface by which the packet came', async (_name, { ends, own }) => {
    await bench.enforce({ traffic: `manage from ${ends.client.address} allow ssh\n  receive from press allow udp 514` });
    const ssh = (destination: string): Part => but(udpAsk(ends), { destination, transport: syn(22) });
    const neighbour = but(ssh(own.eth0), { source: ends.client.address.replace(/5$/, '6') });
    expect(await fates(ssh(own.eth0), ssh(own.eth1), ssh(own.eth2), neighbour, by(ssh(own.eth0), 'eth1'))).toEqual([
      'input passes',
      'input dies',
      'input dies',
      'input dies',
      'input dies',
    ]);
    const syslog = (destination: string, port: number): Part =>
      wire('eth1', { source: ends.server.address, destination, transport: { kind: 'udp', sourcePort: 900, destinationPort: port } });
    expect(await fates(syslog(own.eth1, 514), syslog(own.eth1, 515), syslog(own.eth0, 514))).toEqual(['input passes', 'input dies', 'input dies']);
  });

  it.each(families)('%s: answers of the gateway go back, and are cut with their line', async (_name, { ends, own }) => {
    const self: Ends = { client: ends.client, server: { address: own.eth0, port: 514, behind: 'local' } };
    await bench.enforce({ traffic: 'receive from office allow udp 514' });
    expect(await fates(udpAsk(self), udpAnswer(self))).toEqual(['input passes', 'output passes']);
    await bench.enforce({ traffic: 'receive from office allow udp 514, tcp 514' });
    expect(await fates(udpAnswer(self), udpAsk(self))).toEqual(['output passes', 'input passes']);
    await bench.enforce({});
    expect(await fates(udpAnswer(self), udpAsk(self))).toEqual(['output dies', 'input dies']);
  });

  it.each(families)('%s: what the gateway starts is denied unless sent, and its answers come back', async (_name, { ends, own }) => {
    const self: Ends = { client: { address: own.eth1, port: 5000, behind: 'local' }, server: { ...ends.server, port: 123 } };
    await bench.enforce({});
    const [denied] = await bench.send(udpAsk(self));
    expect(denied).toMatchObject({ reached: 'output', accepted: false, errno: 1 });
    await bench.enforce({ traffic: `manage none "console"\n  send to ${ends.server.address} allow udp 123` });
    expect(await fates(udpAnswer(self), udpAsk(withPort(self, 5001, 124)))).toEqual(['input dies', 'output dies']);
    expect(await fates(udpAsk(self), by(udpAnswer(self), 'eth0'), udpAnswer(self), udpAnswer(self))).toEqual([
      'output passes',
      'input dies',
      'input passes',
      'input passes',
    ]);
    await bench.enforce({});
    expect(await fates(udpAnswer(self), udpAsk(self))).toEqual(['input dies', 'output dies']);
  });

  // -- rule 6 -----------------------------------------------------------------------------------------------------

  it('neighbour discovery passes in with hop limit 255 and not with 254, and is never forwarded', async () => {
    await bench.enforce({ flows: everything });
    const target = Uint8Array.from([0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    const ask = (source: string, destination: string, hopLimit: number, type = 135): Part =>
      wire('eth0', { source, destination, hopLimit, transport: { kind: 'icmp', type, body: target } });
    const group = 'ff02::1:ff00:1';
    for (const source of ['2001:db8:1::5', 'fe80::5', '::']) {
      expect([source, ...(await fates(ask(source, group, 255), ask(source, group, 254)))]).toEqual([source, 'input passes', 'input dies']);
    }
    expect(
      await fates(ask('2001:db8:2::7', group, 255), ask('2001:db8:1::5', '2001:db8:1::1', 255, 136), ask('2001:db8:1::5', '2001:db8:1::1', 255, 137)),
    ).toEqual(['input dies', 'input passes', 'input dies']);
    expect(await fates(ask('2001:db8:1::5', '2001:db8:2::7', 255))).toEqual(['forward dies']);
    bench.gateway.takeStrays();
    await bench.send(ask('2001:db8:1::5', group, 255));
    expect(
      bench.gateway
        .takeStrays()
        .filter((stray) => stray.at === 'wire')
        .map(({ out, packet }) => [out, packet.first, packet.destination]),
    ).toEqual([['eth0', 136, '2001:db8:1::5']]);
  });

  it('MLD passes from link-local and unspecified sources, in and out, and is never forwarded', async () => {
    await bench.enforce({ flows: everything });
    const report = (source: string, destination: string): Part =>
      wire('eth0', { source, destination, hopLimit: 1, transport: { kind: 'icmp', type: 130, body: new Uint8Array(20) } });
    expect(await fates(report('fe80::5', 'ff02::1'), report('2001:db8:1::5', 'ff02::1'))).toEqual(['input passes', 'input dies']);
    const own = bench.gateway.link('eth0').linkLocal;
    const out = (source: string): Part =>
      local({ source, destination: 'ff02::16', hopLimit: 1, transport: { kind: 'icmp', type: 143, body: new Uint8Array(4) } }, 'eth0');
    expect(await fates(out(own), out('2001:db8:1::1'))).toEqual(['output passes', 'output dies']);
    expect(await fates(but(report('2001:db8:1::5', '2001:db8:2::7'), { hopLimit: 64 }))).toEqual(['forward dies']);
  });

  it.each(families)('%s: ping is answered only where the interface runs echo', async (_name, { ends, own }) => {
    const ask = but(echoRequest(ends), { destination: own.eth0 });
    const answers = (): number => bench.gateway.takeStrays().filter((stray) => stray.at === 'wire' && stray.packet.source === own.eth0).length;
    await bench.enforce({ flows: everything, interfaces: { eth1: 'runs echo' } });
    expect([...(await fates(ask)), answers()]).toEqual(['input dies', 0]);
    await bench.enforce({ interfaces: { eth0: 'runs echo' } });
    expect([...(await fates(ask)), answers()]).toEqual(['input passes', 1]);
    expect(await fates(but(ask, { destination: own.eth1 }), by(ask, 'eth1'))).toEqual(['input dies', 'input dies']);
  });

  it.each(families)(
    '%s: the errors of the gateway itself pass where conntrack relates them to a packet, and not otherwise',
    async (_name, { ends, own, errors }) => {
      await bench.enforce({ flows: 'flow poll { from office  to press  allow udp 502 }' });
      await bench.send(but(udpAsk(ends), { hopLimit: 1 }));
      const error = bench.gateway.takeStrays().find((stray) => stray.at === 'wire' && [1, 58].includes(stray.packet.protocol));
      expect([error?.out, error?.packet.source]).toEqual(['eth0', own.eth0]);
      const forged = udpAsk(withPort(ends, 4000, 503));
      const alone = local({ ...errorAbout(forged, { address: own.eth0, behind: 'local' }, errors[0] ?? 3, 0).packet, source: own.eth0 });
      expect(await fates(alone)).toEqual(['output dies']);
    },
  );

  // -- how a packet is read ---------------------------------------------------------------------------------------

  it.each(families)('%s: fragments are judged as a whole', async (_name, { ends }) => {
    await bench.enforce({ flows: 'flow poll { from office  to press  allow udp 502, tcp 502 }' });
    const payload = new Uint8Array(200).fill(1);
    const whole = (port: number): Part => but(udpAsk(ends), { transport: { kind: 'udp', sourcePort: 4000, destinationPort: port, payload }, fragments: 3 });
    const [allowed, denied] = await bench.send(whole(502), whole(503));
    expect([allowed?.accepted, allowed?.frames, denied?.accepted, denied?.frames]).toEqual([true, 3, false, 0]);
    expect(
      await fates(
        but(udpAsk(ends), { transport: { ...syn(502), payload } as Transport, fragments: 2 }),
        but(udpAsk(ends), { transport: { ...syn(503), payload } as Transport, fragments: 2 }),
      ),
    ).toEqual(['forward passes', 'forward dies']);
  });

  it('extension headers are walked, and what cannot be walked is no TCP', async () => {
    await bench.enforce({ flows: 'flow poll { from office  to press  allow tcp 502 }' });
    const behind = (extensions: NonNullable<Packet['extensions']>, port: number): Part =>
      but(udpAsk(ipv6.ends), { extensions, transport: { ...syn(port), sourcePort: 4000 + extensions.length } as Transport });
    const walked: readonly NonNullable<Packet['extensions']>[] = [
      [{ kind: 'hop-by-hop' }],
      [{ kind: 'destination' }, { kind: 'destination' }],
      [{ kind: 'hop-by-hop' }, { kind: 'routing', type: 4, segmentsLeft: 0 }, { kind: 'destination' }],
      [{ kind: 'fragment' }],
    ];
    for (const extensions of walked) {
      await bench.gateway.flushConntrack();
      expect(await fates(behind(extensions, 502), behind(extensions, 503))).toEqual(['forward passes', 'forward dies']);
    }
    // Conntrack looks past this header, so a conversation that is already judged would carry it.
    await bench.gateway.flushConntrack();
    const authentication = Uint8Array.from([4, ...new Uint8Array(22)]);
    expect(await fates(behind([{ kind: 'header', protocol: 51, rest: authentication }], 502))).toEqual(['forward dies']);
    // A conversation that is allowed by itself is not a way in for another: an echo request is not TCP 502.
    expect(await fates(echoRequest(ipv6.ends), echoReply(ipv6.ends), new TcpConversation(ipv6.ends).client('S'))).toEqual([
      'forward dies',
      'forward dies',
      'forward passes',
    ]);
  });
});
