// What conntrack calls a packet, as the harness shows it, for every state that the language's rule 2 names; and the conntrack mark, on
// which reloads rest.

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { echoReply, echoRequest, errorAbout, named, TcpConversation, udpAnswer, udpAsk, type Ends, type Part } from './conversations.ts';
import { KernelGateway, type Observation } from './gateway.ts';
import { describeKernel } from './requirements.ts';

const families: readonly [string, Ends, string][] = [
  ['IPv4', { client: { address: '10.0.1.5', port: 4000, behind: 'eth0' }, server: { address: '10.0.2.7', port: 502, behind: 'eth1' } }, '10.0.2.99'],
  [
    'IPv6',
    { client: { address: '2001:db8:1::5', port: 4000, behind: 'eth0' }, server: { address: '2001:db8:2::7', port: 502, behind: 'eth1' } },
    '2001:db8:2::99',
  ],
];

describeKernel('states', () => {
  let gateway: KernelGateway;

  beforeAll(async () => {
    gateway = await KernelGateway.create({
      interfaces: [
        { name: 'eth0', addresses: ['10.0.1.1/24', '2001:db8:1::1/64'] },
        { name: 'eth1', addresses: ['10.0.2.1/24', '2001:db8:2::1/64'] },
      ],
    });
  });
  afterEach(async () => gateway.reset());
  afterAll(async () => gateway.dispose());

  async function states(parts: readonly Part[]): Promise<readonly string[]> {
    const seen = await gateway.sendSteps(named(parts).map((probe) => [probe]));
    return [...seen.values()].map(stateOf);
  }

  it.each(families)('%s: a TCP conversation from SYN to its end', async (_, ends) => {
    const tcp = new TcpConversation(ends);
    const data = new Uint8Array([1, 2, 3]);
    const parts = [...tcp.handshake(), tcp.client('PA', data), tcp.server('PA', data), ...tcp.close(), tcp.server('A')];
    expect(await states(parts)).toEqual([
      'new original',
      'established reply',
      'established original',
      'established original',
      'established reply',
      'established original',
      'established reply',
      'established original',
      'established reply',
    ]);
    expect((await gateway.conntrack()).filter((line) => line.includes('dport=502'))).toHaveLength(1);
  });

  it.each(families)('%s: without a conversation', async (_, ends) => {
    const flags = {
      S: 'new original',
      A: 'new original',
      PA: 'new original',
      SA: 'invalid',
      F: 'invalid',
      FA: 'invalid',
      R: 'invalid',
      RA: 'invalid',
      '': 'invalid',
    };
    for (const [letters, state] of Object.entries(flags)) {
      const fresh = { ...ends, client: { ...ends.client, port: ends.client.port + letters.length * 7 + letters.charCodeAt(0) } };
      expect([letters, ...(await states([new TcpConversation(fresh).client(letters)]))]).toEqual([letters, state]);
    }
    expect(await states([echoReply(ends)])).toEqual(['invalid']);
    expect(await states([udpAnswer(ends)])).toEqual(['new original']);
  });

  it.each(families)('%s: UDP and echo', async (_, ends) => {
    expect(await states([udpAsk(ends), udpAsk(ends), udpAnswer(ends), udpAsk(ends)])).toEqual([
      'new original',
      'new original',
      'established reply',
      'established original',
    ]);
    expect(await states([echoRequest(ends), echoReply(ends), echoRequest(ends)])).toEqual(['new original', 'established reply', 'established original']);
  });

  it.each(families)('%s: an ICMP error about a conversation is related, about none invalid', async (family, ends, router) => {
    const [type, code] = family === 'IPv4' ? [3, 1] : [1, 3];
    const ask = udpAsk(ends);
    const back = errorAbout(ask, { address: router, behind: 'eth1' }, type, code);
    const forth = errorAbout(udpAnswer(ends), { address: ends.client.address, behind: 'eth0' }, type, code);
    expect(await states([back])).toEqual(['invalid']);
    expect(await states([ask, back, udpAnswer(ends), forth])).toEqual(['new original', 'related reply', 'established reply', 'related original']);
  });

  it('ICMPv6 of neighbour discovery and MLD is untracked, also when forwarded', async () => {
    for (const type of [130, 131, 132, 133, 134, 135, 136, 143]) {
      const part: Part = {
        entry: { kind: 'wire', interface: 'eth0' },
        packet: { source: '2001:db8:1::5', destination: '2001:db8:2::7', hopLimit: 255, transport: { kind: 'icmp', type, body: new Uint8Array(16) } },
      };
      expect([type, ...(await states([part]))]).toEqual([type, 'untracked']);
    }
  });

  it.each(families)('%s: a wrong checksum is invalid, and reaches the ruleset', async (_, ends) => {
    const part = new TcpConversation(ends).client('S');
    expect(await states([{ ...part, packet: { ...part.packet, corruptChecksum: true } }])).toEqual(['invalid']);
  });

  it.each(families)('%s: a dropped first packet leaves no conversation', async (_, ends) => {
    await gateway.load('table inet zonewright {\n chain forward {\n type filter hook forward priority filter; policy drop;\n }\n}\n');
    expect(await states([udpAsk(ends), udpAsk(ends), udpAnswer(ends)])).toEqual(['new original', 'new original', 'new original']);
    expect(await gateway.conntrack()).toEqual([]);
  });

  it.each(families)('%s: the mark that a rule sets is there at the next packet, of either direction', async (_, ends) => {
    await gateway.load(
      'table inet zonewright {\n chain forward {\n type filter hook forward priority filter; policy drop;\n ct mark 0 ct mark set 0xbeef1234 accept\n ct mark 0xbeef1234 accept\n }\n}\n',
    );
    const tcp = new TcpConversation(ends);
    const [first, second] = await observed(gateway, [tcp.client('S'), tcp.server('SA')]);
    expect(first).toMatchObject({ mark: 0, markAfter: 0xbeef1234, accepted: true });
    expect(second).toMatchObject({ mark: 0xbeef1234, markAfter: 0xbeef1234, accepted: true, wire: 'eth0' });
    await gateway.load('delete table inet zonewright\n');
    expect(await observed(gateway, [tcp.client('A')])).toMatchObject([{ mark: 0xbeef1234, state: 'established' }]);
  });

  it.each(families)('%s: a conversation with the gateway itself', async (_, ends) => {
    const own = ends.client.address.includes(':') ? '2001:db8:1::1' : '10.0.1.1';
    const self: Ends = { client: ends.client, server: { address: own, port: 502, behind: 'local' } };
    const [ask, answer] = await observed(gateway, [udpAsk(self), udpAnswer(self)]);
    expect(ask).toMatchObject({ reached: 'input', state: 'new' });
    expect(answer).toMatchObject({ reached: 'output', out: 'eth0', wire: 'eth0', state: 'established', direction: 'reply' });
  });
});

async function observed(gateway: KernelGateway, parts: readonly Part[]): Promise<readonly Observation[]> {
  return [...(await gateway.sendSteps(named(parts).map((probe) => [probe]))).values()];
}

function stateOf({ state, direction }: Observation): string {
  return direction === undefined ? (state ?? 'nowhere') : `${state ?? ''} ${direction}`;
}
