// Rule 7 by hand: rates, logs and counters, and that each acts once for a conversation.

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Bench, by, families, ipv4, ipv6, passed, withPort } from './bench.ts';
import { TcpConversation, udpAnswer, udpAsk, type Part } from './conversations.ts';
import { describeKernel } from './requirements.ts';

/** Fresh conversations to one port: their questions. */
function starts(ends: typeof ipv4.ends, count: number, port = 502): Part[] {
  return Array.from({ length: count }, (_, index) => udpAsk(withPort(ends, 6000 + index, port)));
}

/** The answers to the first of them. */
function answers(ends: typeof ipv4.ends, count: number, port = 502): Part[] {
  return Array.from({ length: count }, (_, index) => udpAnswer(withPort(ends, 6000 + index, port)));
}

describeKernel('effects', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.create();
  });
  afterEach(async () => bench.gateway.reset());
  afterAll(async () => bench.dispose());

  async function count(...parts: readonly Part[]): Promise<number> {
    return (await bench.send(...parts)).filter(passed).length;
  }

  // -- rates ------------------------------------------------------------------------------------------------------

  it.each(families)('%s: a rate limits new conversations and not running ones', async (_name, { ends }) => {
    await bench.enforce({ flows: 'flow poll { from office  to press  allow udp 502  rate 1/hour burst 3 }' });
    const parts = starts(ends, 8);
    expect((await bench.send(...parts)).map(passed)).toEqual([true, true, true, false, false, false, false, false]);
    const running = starts(ends, 3);
    expect(await count(...answers(ends, 3), ...running, ...running)).toBe(9);
  });

  it.each(families)('%s: a rate does not cut a conversation that the other side never answers', async (_name, { ends }) => {
    await bench.enforce({ flows: 'flow syslog { from office  to press  allow udp 514  rate 1/hour burst 2 }' });
    const [line] = starts(ends, 1, 514);
    if (line === undefined) expect.fail('one part');
    expect(await count(line, line, line, line, line)).toBe(5);
    expect(await count(...starts(ends, 4, 514))).toBe(2);
  });

  it.each(families)('%s: a reload judges running conversations again without spending the rate', async (_name, { ends }) => {
    const limited = 'flow poll { from office  to press  allow udp 502  rate 1/hour burst 2 }';
    await bench.enforce({ flows: limited });
    const [first, second] = starts(ends, 2);
    if (first === undefined || second === undefined) expect.fail('two parts');
    expect(await count(first, second, ...answers(ends, 2))).toBe(4);
    await bench.enforce({ flows: `${limited}\nflow other { from press  to office  allow tcp 80 }` });
    expect(await count(first, ...answers(ends, 2), second)).toBe(4);
    const more = Array.from({ length: 4 }, (_none, index) => udpAsk(withPort(ends, 7000 + index)));
    expect(await count(...more)).toBe(2);
  });

  it('a conversation is limited only if every allow that matches has a rate, and starts if one has a token', async () => {
    const { ends } = ipv4;
    const slow = 'flow slow { from office  to press  allow udp 500-510  rate 1/hour burst 2 }';
    await bench.enforce({ flows: `${slow}\nflow free { from office  to press  allow udp 503 }` });
    expect([await count(...starts(ends, 6, 502)), await count(...starts(ends, 6, 503))]).toEqual([2, 6]);
    await bench.gateway.flushConntrack();
    await bench.enforce({ flows: `${slow}\nflow slow_too { from any  to press  allow udp 502  rate 1/hour burst 3 }` });
    expect([await count(...starts(ends, 9, 502)), await count(...starts(ends, 9, 504))]).toEqual([5, 0]);
  });

  it('flows have rates of their own, and denies come before them', async () => {
    const { ends } = ipv4;
    await bench.enforce({
      flows:
        'flow a { from office  to press  allow udp 502  rate 1/hour burst 2 }\nflow b { from office  to press  allow udp 503  rate 1/hour burst 4 }\nflow no { from 10.0.1.9  to press  deny any }',
    });
    const denied = starts({ ...ends, client: { ...ends.client, address: '10.0.1.9' } }, 3);
    expect([await count(...denied), await count(...starts(ends, 6, 502)), await count(...starts(ends, 6, 503))]).toEqual([0, 2, 4]);
  });

  it('a rate of manage limits what reaches the gateway', async () => {
    await bench.enforce({ traffic: 'manage from office allow udp 161 { rate 1/hour burst 2 }' });
    const to = { ...ipv6.ends, server: { address: ipv6.own.eth0, port: 161, behind: 'local' } };
    expect(await count(...starts(to, 5, 161))).toBe(2);
  });

  // -- logs -------------------------------------------------------------------------------------------------------

  it.each(families)('%s: log writes once for a conversation, with its prefix, and not again after a reload', async (_name, { ends }) => {
    const flows = 'flow poll { from office  to press  allow tcp 502, udp 502  log }';
    await bench.enforce({ flows });
    const tcp = new TcpConversation(ends);
    const line = ['zw gw office>press poll: '];
    expect(await bench.logs(...tcp.handshake(), tcp.client('PA', new Uint8Array(3)))).toEqual([line, [], [], []]);
    expect(await bench.logs(udpAsk(ends), udpAnswer(ends), udpAsk(ends))).toEqual([line, [], []]);
    await bench.enforce({ flows: `${flows}\nflow other { from press  to office  allow tcp 80 }` });
    expect(await bench.logs(tcp.server('A'), tcp.client('A'), udpAnswer(ends), udpAsk(ends))).toEqual([[], [], [], []]);
  });

  it.each(families)('%s: log and count act once for a conversation that the other side never answers', async (_name, { ends }) => {
    await bench.enforce({ flows: 'flow syslog { from office  to press  allow udp 514  log  count }' });
    const ask = udpAsk(withPort(ends, 4000, 514));
    expect(await bench.logs(ask, ask, ask)).toEqual([['zw gw office>press syslog: '], [], []]);
    expect(await bench.counters()).toEqual({ 'flow.syslog': 1 });
  });

  it('every matching flow of the winning effect that asks is logged; a deny at each packet', async () => {
    const { ends } = ipv4;
    const flows = [
      'flow a { from office  to press  allow udp 502  log }',
      'flow b { from any  to press  allow udp 500-510  log }',
      'flow c { from any  to press  allow udp 500-510 }',
      'flow no { from any  to press  deny udp 510  log }',
      'flow silent { from any  to press  deny udp 509 }',
    ];
    await bench.enforce({ flows: flows.join('\n') });
    const ask = (port: number): Part => udpAsk(withPort(ends, 4000, port));
    const lines = await bench.logs(ask(502), ask(505), ask(510), ask(510), ask(509));
    expect(lines.map((line) => line.toSorted())).toEqual([
      ['zw gw office>press a: ', 'zw gw office>press b: '],
      ['zw gw office>press b: '],
      ['zw gw office>press no: '],
      ['zw gw office>press no: '],
      [],
    ]);
  });

  it('what is denied by default, spoofed or led astray is logged under one limit', async () => {
    const { ends } = ipv4;
    await bench.enforce({ flows: 'flow poll { from office  to press  allow udp 502 }' });
    const ask = udpAsk(ends);
    const kinds = await bench.logs(
      udpAsk(withPort(ends, 4000, 503)),
      by(ask, 'eth2'),
      { ...ask, packet: { ...ask.packet, destination: ipv4.own.eth2 } },
      new TcpConversation(ends).client('R'),
    );
    expect(kinds).toEqual([['zw gw office>press default: '], ['zw gw spoof: '], ['zw gw office>gw default: '], ['zw gw state: ']]);
    const many = [...starts(ends, 30, 503), ...starts(ends, 30).map((part) => by(part, 'eth1'))];
    const lines = (await bench.logs(...many)).flat();
    expect(lines.length).toBeGreaterThanOrEqual(6);
    expect(lines.length).toBeLessThan(20);
  });

  it('log denied gives a conduit its own prefix and limit', async () => {
    const { ends } = ipv4;
    await bench.enforce({
      flows:
        'conduit line_one office -> press {\n  log denied\n  flow poll { from office  to press  allow udp 502 }\n  flow no { from office  to press  deny udp 510 }\n}',
    });
    const noise = starts({ ...ends, server: { address: '10.0.3.9', port: 1, behind: 'eth2' } }, 20);
    await bench.logs(...noise);
    const prefix = ['zw gw office>press line_one default: '];
    expect(await bench.logs(udpAsk(withPort(ends, 4000, 503)), udpAsk(withPort(ends, 4000, 510)), udpAsk(ends))).toEqual([prefix, prefix, []]);
  });

  // -- counters ---------------------------------------------------------------------------------------------------

  it.each(families)('%s: count counts conversations, and a deny its packets', async (_name, { ends }) => {
    const flows = [
      'flow poll { from office  to press  allow tcp 502, udp 502  count }',
      'flow all { from any  to any  allow udp 500-505  count }',
      'flow no { from any  to any  deny udp 505  count }',
    ];
    await bench.enforce({ flows: flows.join('\n') });
    const tcp = new TcpConversation(ends);
    await bench.send(
      ...tcp.handshake(),
      tcp.client('PA', new Uint8Array(3)),
      ...starts(ends, 4),
      ...answers(ends, 4),
      ...starts(ends, 4),
      udpAsk(withPort(ends, 4000, 503)),
      udpAsk(withPort(ends, 4000, 505)),
      udpAsk(withPort(ends, 4000, 505)),
    );
    expect(await bench.counters()).toEqual({ 'flow.poll': 5, 'flow.all': 5, 'flow.no': 2 });
    await bench.enforce({ flows: [...flows, 'flow other { from press  to office  allow tcp 80 }'].join('\n') });
    expect(await count(tcp.server('A'), ...starts(ends, 4))).toBe(5);
    expect(await bench.counters()).toEqual({ 'flow.poll': 0, 'flow.all': 0, 'flow.no': 0 });
  });
});
