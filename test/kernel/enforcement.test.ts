// Rules 2 and 3 by hand: what may start, what goes on, what a reload keeps and what it cuts.

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Bench, but, by, families, ipv4, ipv6, passed, plantText, withPort, zoneText } from './bench.ts';
import { echoReply, echoRequest, errorAbout, type Part, TcpConversation, udpAnswer, udpAsk } from './conversations.ts';
import { describeKernel } from './requirements.ts';

const poll = 'flow poll { from office  to press  allow tcp 502, udp 502, icmp echo-request }';
const data = new Uint8Array([1, 2, 3]);

describeKernel('conversations', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.create();
  });
  afterEach(async () => bench.gateway.reset());
  afterAll(async () => bench.dispose());

  it.each(families)('%s: an allowed conversation passes both ways, from SYN to its end', async (_name, { ends }) => {
    await bench.enforce({ flows: poll });
    const tcp = new TcpConversation(ends);
    const parts = [...tcp.handshake(), tcp.client('PA', data), tcp.server('PA', data), ...tcp.close()];
    expect((await bench.send(...parts)).map((seen) => [passed(seen), seen.wire])).toEqual(
      parts.map((part) => [true, part.entry.kind === 'wire' && part.entry.interface === 'eth0' ? 'eth1' : 'eth0']),
    );
    expect(await bench.passes(udpAsk(ends), udpAnswer(ends), udpAsk(ends))).toEqual([true, true, true]);
    expect(await bench.passes(echoRequest(ends), echoReply(ends))).toEqual([true, true]);
  });

  it.each(families)('%s: what no flow allows does not start, nor does an answer without a question', async (_name, { ends }) => {
    await bench.enforce({ flows: poll });
    const back = { client: ends.server, server: ends.client };
    const wrongPort = withPort(ends, 4000, 503);
    expect(await bench.passes(new TcpConversation(wrongPort).client('S'), udpAsk(wrongPort), udpAnswer(ends), echoReply(ends))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(await bench.passes(new TcpConversation(back).client('S'), udpAsk(back), echoRequest(back))).toEqual([false, false, false]);
  });

  it.each(families)('%s: a spoofed packet with the ends of a running conversation dies', async (_name, { ends }) => {
    await bench.enforce({ flows: poll });
    const tcp = new TcpConversation(ends);
    expect(await bench.passes(...tcp.handshake())).toEqual([true, true, true]);
    const question = tcp.client('PA', data);
    const answer = tcp.server('PA', data);
    const forged = [by(question, 'eth1'), by(question, 'eth2'), by(answer, 'eth0'), by(answer, 'eth3')];
    for (const seen of await bench.send(...forged))
      expect(seen).toMatchObject({ state: 'established', mark: expect.toSatisfy((mark: number) => mark !== 0), accepted: false });
    expect(await bench.passes(question, answer)).toEqual([true, true]);
  });

  it.each(families)('%s: invalid and untracked packets die, even where everything is allowed', async (_name, { name, ends }) => {
    await bench.enforce({ flows: 'flow everything { from any  to any  allow any }' });
    for (const flags of ['SA', 'F', 'FA', 'R', 'RA', '', 'SF']) {
      const [seen] = await bench.send(new TcpConversation(withPort(ends, 5000 + flags.length)).client(flags));
      expect([flags, seen?.state, seen?.accepted]).toEqual([flags, 'invalid', false]);
    }
    const tcp = new TcpConversation(ends);
    const start = tcp.client('S');
    expect(await bench.passes(but(start, { corruptChecksum: true }), echoReply(ends), start)).toEqual([false, false, true]);
    if (name === 'IPv4') return;
    for (const type of [130, 131, 132, 133, 134, 135, 136, 143]) {
      const [seen] = await bench.send(but(start, { hopLimit: 255, transport: { kind: 'icmp', type, body: new Uint8Array(16) } }));
      expect([type, seen?.reached, seen?.state, seen?.accepted]).toEqual([type, 'forward', 'untracked', false]);
    }
  });

  it.each(families)('%s: an ACK in mid-stream starts an allowed conversation, FIN and RST do not', async (_name, { ends }) => {
    await bench.enforce({ flows: poll });
    expect(await bench.passes(new TcpConversation(ends).client('FA'), new TcpConversation(ends).client('R'))).toEqual([false, false]);
    const tcp = new TcpConversation(ends);
    expect(await bench.passes(tcp.client('A'), tcp.server('PA', data), tcp.client('PA', data))).toEqual([true, true, true]);
    expect(await bench.passes(new TcpConversation(withPort(ends, 4001)).server('A'))).toEqual([false]);
  });

  it.each(families)('%s: only errors pass as related, from either side; a redirect does not', async (_name, { ends, errors, otherErrors }) => {
    await bench.enforce({ flows: poll });
    const ask = udpAsk(ends);
    expect(await bench.passes(ask, udpAnswer(ends))).toEqual([true, true]);
    const router = { address: ends.server.address.replace(/7$/, '99'), behind: 'eth1' };
    const about = (type: number): Part[] => [
      errorAbout(ask, router, type, 0),
      errorAbout(udpAnswer(ends), { address: ends.client.address, behind: 'eth0' }, type, 0),
    ];
    for (const type of errors) {
      expect((await bench.send(...about(type))).map((seen) => [type, seen.state, seen.accepted])).toEqual([
        [type, 'related', true],
        [type, 'related', true],
      ]);
    }
    for (const type of otherErrors) expect([type, ...(await bench.passes(...about(type)))]).toEqual([type, false, false]);
    const [forged] = await bench.send(by(errorAbout(ask, router, errors[0] ?? 3, 0), 'eth2'));
    expect(forged).toMatchObject({ state: 'related', accepted: false });
  });

  it.each(families)('%s: a related error is judged by its place and type alone, whatever the policy says by now', async (_name, { ends, errors }) => {
    await bench.enforce({ flows: poll });
    const ask = udpAsk(ends);
    expect(await bench.passes(ask)).toEqual([true]);
    await bench.enforce({});
    const error = errorAbout(ask, { address: ends.server.address, behind: 'eth1' }, errors[0] ?? 3, 0);
    expect(await bench.passes(error, ask)).toEqual([true, false]);
  });

  it.each(families)('%s: TCP and UDP that conntrack expects are related, and die', async (_name, { name, ends }) => {
    const family = name === 'IPv4' ? 'ip' : 'ip6';
    const object = (protocol: string): string =>
      `ct expectation ${protocol}_next {\n protocol ${protocol}\n dport 5000\n timeout 1m\n size 8\n l3proto ${family}\n}`;
    await bench.gateway.load(
      `table inet helper {\n${object('tcp')}\n${object('udp')}\nchain c { type filter hook forward priority -10;\n tcp dport 502 ct expectation set "tcp_next"\n udp dport 502 ct expectation set "udp_next"\n }\n}\n`,
    );
    await bench.enforce({ flows: poll });
    const tcp = new TcpConversation(ends);
    expect(await bench.passes(...tcp.handshake(), udpAsk(ends))).toEqual([true, true, true, true]);
    const next = { client: { ...ends.server, port: 20 }, server: { ...ends.client, port: 5000 } };
    for (const seen of await bench.send(new TcpConversation(next).client('S'), udpAsk(next)))
      expect(seen).toMatchObject({ state: 'related', reached: 'forward', accepted: false });
  });

  it.each(families)('%s: a deny overrides every allow', async (_name, { ends }) => {
    await bench.enforce({
      flows: `${poll}\nflow everything { from any  to any  allow any }\nflow not_this { from ${ends.client.address}  to press  deny tcp 500-510 }`,
    });
    const other = { ...ends, client: { ...ends.client, address: ends.client.address.replace(/5$/, '6') } };
    expect(await bench.passes(new TcpConversation(ends).client('S'), udpAsk(ends), new TcpConversation(other).client('S'))).toEqual([false, true, true]);
    expect(await bench.passes(new TcpConversation(withPort(ends, 4000, 499)).client('S'), new TcpConversation(withPort(ends, 4000, 511)).client('S'))).toEqual([
      true,
      true,
    ]);
  });

  // -- reloads ----------------------------------------------------------------------------------------------------

  const sides = families.flatMap(([name, family]) => (['client', 'server'] as const).map((side) => [name, side, family] as const));

  it.each(sides)('%s: a flow that is gone cuts its running conversations at the next packet, %s first', async (_name, side, { ends }) => {
    await bench.enforce({ flows: `${poll}\nflow other { from office  to press  allow tcp 80 }` });
    const tcp = new TcpConversation(ends);
    const kept = new TcpConversation(withPort(ends, 4000, 80));
    expect(await bench.passes(...tcp.handshake(), ...kept.handshake(), udpAsk(ends), udpAnswer(ends), echoRequest(ends), echoReply(ends))).toEqual(
      Array(10).fill(true),
    );
    await bench.enforce({ flows: 'flow other { from office  to press  allow tcp 80 }' });
    const order = side === 'client' ? (['client', 'server'] as const) : (['server', 'client'] as const);
    const cut = order.flatMap((end) => [
      tcp[end]('PA', data),
      end === 'client' ? udpAsk(ends) : udpAnswer(ends),
      end === 'client' ? echoRequest(ends) : echoReply(ends),
    ]);
    for (const seen of await bench.send(...cut)) expect(seen).toMatchObject({ state: 'established', accepted: false });
    expect(await bench.passes(...order.map((end) => kept[end]('PA', data)))).toEqual([true, true]);
    // The flow comes back before conntrack has forgotten: the conversation goes on.
    await bench.enforce({ flows: poll });
    expect(await bench.passes(...order.map((end) => tcp[end]('PA', data)))).toEqual([true, true]);
  });

  it.each(sides)('%s: a deny that is new cuts as well, %s first', async (_name, side, { ends }) => {
    await bench.enforce({ flows: poll });
    const tcp = new TcpConversation(ends);
    expect(await bench.passes(...tcp.handshake())).toEqual([true, true, true]);
    await bench.enforce({ flows: `${poll}\nflow stop { from any  to press  deny tcp 502 }` });
    expect(await bench.passes(tcp[side]('PA', data), tcp.client('A'), tcp.server('A'))).toEqual([false, false, false]);
  });

  it.each(families)('%s: an allowed conversation loses no packet over many reloads', async (_name, { ends }) => {
    const policy = (round: number): string => `${poll}\nflow round { from press  to office  allow tcp ${1000 + round} }`;
    await bench.enforce({ flows: policy(0) });
    const tcp = new TcpConversation(ends);
    const marks = new Set<number>();
    expect(await bench.passes(...tcp.handshake(), udpAsk(ends), echoRequest(ends))).toEqual(Array(5).fill(true));
    for (let round = 1; round <= 12; round += 1) {
      marks.add((await bench.enforce({ flows: policy(round) })).mark.value);
      const [first, second] = round % 2 === 0 ? [tcp.client('PA', data), tcp.server('PA', data)] : [tcp.server('PA', data), tcp.client('PA', data)];
      expect(await bench.passes(first, second, udpAnswer(ends), echoReply(ends), udpAsk(ends), echoRequest(ends))).toEqual(Array(6).fill(true));
    }
    expect(marks.size).toBe(12);
  });

  it('a reload flushes no conntrack entry', async () => {
    await bench.enforce({ flows: poll });
    for (const { ends } of [ipv4, ipv6]) await bench.send(...new TcpConversation(ends).handshake(), udpAsk(ends));
    const entries = async (): Promise<string[]> =>
      (await bench.gateway.conntrack()).map((line) => line.replaceAll(/ (?=\d+ )\d+|\[\w+\]|mark=\d+|use=\d+/g, '').replaceAll(/\s+/g, ' ')).sort();
    const before = await entries();
    expect(before).toHaveLength(4);
    await bench.enforce({ flows: poll });
    await bench.enforce({});
    expect(await entries()).toEqual(before);
  });

  it.each(families)('%s: an unchanged policy, or one in another order, keeps its mark and judges nothing again', async (_name, { ends }) => {
    const other = 'flow other { from press  to office  allow tcp 80, udp 53 }';
    const first = await bench.enforce({ flows: `${poll}\n${other}` });
    const tcp = new TcpConversation(ends);
    expect(await bench.passes(...tcp.handshake())).toEqual([true, true, true]);
    const again = await bench.enforce({ flows: `${poll}\n${other}` });
    const shuffled = plantText({ flows: `# moved\n\n${other}\nflow poll "Polls" { allow icmp echo-request, udp 502, tcp 502  to press  from office }` });
    const zones = zoneText.trim().split('\n').toReversed().join('\n');
    const reordered = await bench.enforceText(shuffled.replace(zoneText.trim(), zones));
    expect([again.mark, reordered.mark]).toEqual([first.mark, first.mark]);
    const [seen] = await bench.send(tcp.client('PA', data));
    expect(seen).toMatchObject({ mark: first.mark.value, accepted: true });
    const changed = await bench.enforce({ flows: poll });
    expect(changed.mark.value).not.toBe(first.mark.value);
  });

  it('bits of the mark outside the mask belong to others', async () => {
    const { ends } = ipv4;
    await bench.gateway.load('table inet others {\nchain c { type filter hook prerouting priority 0;\n ct state new ct mark set 0xab\n }\n}\n');
    const { mark } = await bench.enforce({ flows: poll, options: 'mark-mask 0xffff0000' });
    const [seen] = await bench.send(udpAsk(ends));
    expect(seen).toMatchObject({ accepted: true, mark: 0xab, markAfter: (mark.value | 0xab) >>> 0 });
    expect(mark.value & 0xffff).toBe(0);
    expect(await bench.passes(udpAnswer(ends))).toEqual([true]);
    await bench.enforce({ options: 'mark-mask 0xffff0000' });
    expect(await bench.passes(udpAnswer(ends), udpAsk(ends))).toEqual([false, false]);
  });

  it('load and reload leave a foreign table as it is', async () => {
    await bench.gateway.load(
      'table inet others {\nset s { type ipv4_addr; elements = { 10.1.2.3 } }\ncounter n { packets 5 bytes 6 }\nchain c { type filter hook forward priority 5;\n ip saddr @s counter packets 7 bytes 8 drop\n }\n}\n',
    );
    const before = await bench.gateway.listJson('inet others');
    await bench.enforce({ flows: poll });
    await bench.enforce({});
    expect(await bench.gateway.listJson('inet others')).toEqual(before);
  });
});
