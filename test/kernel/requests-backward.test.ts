// Requests that run backward, judged by the kernel: an outstation in the office opens the conversation, a master in the press shop asks in it.
// The idea: what should pass is written from DNP3 itself; the same frames go by raw segments and datagrams, before and after reloads.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prove } from '../../src/pipeline/prove.ts';
import { policySets, policySpace } from '../../src/policy/sets.ts';
import { borders, readRunning } from '../../targets/iptables/reader.ts';
import type { Ruleset } from '../generators/compile.ts';
import { type LookingPlace, lookingPlaces } from './backends.ts';
import { Bench, families, withPort } from './bench.ts';
import { type Ends, type Part, TcpConversation, udpAnswer, udpAsk } from './conversations.ts';
import { describeKernel } from './requirements.ts';

/** A link frame of control byte and user data; check sums of which no rule takes notice. */
function frame(control: number, data: string): Uint8Array {
  const user = Buffer.from(data.replaceAll(' ', ''), 'hex');
  const blocks = Array.from({ length: Math.ceil(user.length / 16) }, (_, at) =>
    Buffer.concat([user.subarray(at * 16, at * 16 + 16), Buffer.from('abcd', 'hex')]),
  );
  return Uint8Array.from(Buffer.concat([Buffer.from([0x05, 0x64, 5 + user.length, control, 1, 0, 2, 0, 0xab, 0xcd]), ...blocks]));
}

/** A master asks for a function; an outstation answers, or says something without being asked. */
const asks = (code: number, objects = ''): Uint8Array => frame(0xc4, `c0 c1 ${code.toString(16).padStart(2, '0')} ${objects}`);
const read = asks(1, '3c02 06 3c03 06');
const confirm = asks(0);
const write = asks(2, '5001 00 07 07 00');
const operate = asks(5, '0c01 28 01 00 00 00 03 01 64 00 00 00 64 00 00 00 00');
const response = frame(0x44, 'c0 c1 81 0000 0102 00 00 07 55');
const unsolicited = frame(0x44, 'c0 f1 82 0000');

function flow(services: string, requests = 'backward'): { readonly flows: string } {
  return { flows: `flow dials { from office  to press  allow ${services}  requests ${requests} }` };
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

for (const place of lookingPlaces) describeKernel(`requests that run backward, ${place.backend.name}`, () => backwardOn(place));

/** A segment in the place of another one. */
function segment(
  part: Part,
  change: { readonly flags?: string; readonly payload?: Uint8Array; readonly options?: Uint8Array; readonly urgent?: number },
): Part {
  const { transport } = part.packet;
  if (transport.kind !== 'tcp') throw new Error('no segment');
  return { ...part, packet: { ...part.packet, transport: { ...transport, ...change } } };
}

/** In a short run less of it on iptables. */
function backwardOn({ backend, families: names, share }: LookingPlace): void {
  let bench: Bench;
  const whole = (name: string, body: () => Promise<void>): void => {
    if (share === 'all') it(name, body);
  };

  beforeAll(async () => {
    bench = await Bench.create({}, backend);
  });
  afterAll(async () => bench.dispose());

  describe.each(families.filter(([name]) => names.includes(name)))('%s', (_name, { ends: all }) => {
    const ends = withPort(all, 4000, 20_000);

    /** What the master says in an open conversation, always at the same place, so that nothing that was blocked is missing. */
    async function heard(services: string, messages: readonly Uint8Array[]): Promise<readonly boolean[]> {
      await bench.gateway.flushConntrack();
      await bench.enforce(flow(services));
      const conversation = new TcpConversation(ends);
      expect(await bench.passes(...conversation.handshake(), conversation.client('PA', unsolicited))).toEqual([true, true, true, true]);
      const at = conversation.server('A');
      return bench.passes(...messages.map((payload) => segment(at, { flags: 'PA', payload })));
    }

    it('the called side may ask what the flow says, in whole messages', async () => {
      const others = [
        write,
        operate,
        response,
        joined(read, write),
        joined(read, read),
        read.slice(0, 12),
        write.slice(5),
        Uint8Array.from([0x47, 0x45, 0x54]),
      ];
      expect(await heard('dnp3 read', [read, confirm, ...others, read])).toEqual([true, true, ...others.map(() => false), true]);
      expect(await heard('dnp3 { read, write }', [read, write, operate])).toEqual([true, true, false]);
    });

    whole('the calling side answers whatever it answers', async () => {
      await bench.gateway.flushConntrack();
      await bench.enforce(flow('dnp3 read'));
      const conversation = new TcpConversation(ends);
      await bench.passes(...conversation.handshake());
      const answers = [response, write, joined(response, unsolicited), response.slice(0, 7)].map((payload) => conversation.client('PA', payload));
      expect(await bench.passes(...answers, conversation.server('A'), ...conversation.close())).toEqual([true, true, true, true, true, true, true, true]);
    });

    it('a reload judges what is asked from then on, and keeps the conversation', async () => {
      await bench.gateway.flushConntrack();
      await bench.enforce(flow('dnp3 read'));
      const conversation = new TcpConversation(ends);
      await bench.passes(...conversation.handshake());
      expect(await bench.passes(conversation.server('PA', read), conversation.client('PA', response))).toEqual([true, true]);
      // Other things may start now, so that the mark is another one and everything is judged again.
      await bench.enforce({ flows: `${flow('dnp3 write').flows}\nflow other { from office  to press  allow ssh }` });
      expect(await bench.passes(conversation.server('PA', read))).toEqual([false]);
      expect(await bench.passes(conversation.server('PA', write), conversation.client('PA', response), conversation.server('PA', write))).toEqual([
        true,
        true,
        true,
      ]);
      await bench.enforce({ flows: 'flow other { from office  to press  allow ssh }' });
      expect(await bench.passes(conversation.server('PA', write), conversation.client('PA', response))).toEqual([false, false]);
    });

    whole('a conversation that is judged again by what is asked first is not kept by a wrong question', async () => {
      await bench.gateway.flushConntrack();
      await bench.enforce({ flows: 'flow dials { from office  to press  allow tcp 20000 }' });
      const conversation = new TcpConversation(ends);
      await bench.passes(...conversation.handshake());
      expect(await bench.passes(conversation.server('PA', write))).toEqual([true]);
      await bench.enforce(flow('dnp3 read'));
      expect(await bench.passes(conversation.server('PA', write), conversation.server('PA', read), conversation.server('PA', write))).toEqual([
        false,
        true,
        false,
      ]);
    });

    it('datagrams, too', async () => {
      await bench.gateway.flushConntrack();
      await bench.enforce(flow('dnp3 read'));
      expect(await bench.passes(udpAsk(ends, unsolicited), udpAnswer(ends, confirm), udpAsk(ends, response))).toEqual([true, true, true]);
      expect(await bench.passes(...[read, write, joined(read, read), read].map((payload) => udpAnswer(ends, payload)))).toEqual([true, false, false, true]);
    });

    whole('forward, the same conversation is looked into the other way', async () => {
      await bench.gateway.flushConntrack();
      await bench.enforce(flow('dnp3 read', 'forward'));
      const conversation = new TcpConversation(ends);
      await bench.passes(...conversation.handshake());
      expect(await bench.passes(conversation.client('PA', write), conversation.server('PA', write))).toEqual([false, true]);
    });
  });

  describe.each(families.filter(([name]) => names.includes(name)))('several flows on one port, %s', (_name, { ends: all }) => {
    let ruleset: Ruleset;
    beforeAll(async () => {
      await bench.gateway.flushConntrack();
      ruleset = await bench.enforce({ flows: overlapping });
    });

    if (backend.name.startsWith('iptables'))
      it('what the tools print of it reads as the policy', async () => {
        const tools = /-legacy/u.test(backend.name) ? 'legacy' : 'nft';
        const saved = await Promise.all(
          [`iptables-${tools}-save`, `ip6tables-${tools}-save`, 'ipset'].map(async (tool) => ({
            name: tool,
            text: (await bench.gateway.run(tool, tool === 'ipset' ? ['save'] : [])).stdout,
          })),
        );
        const { policy, mark } = ruleset;
        const sets = policySets(policy, policySpace(policy, ...borders(saved)));
        expect(prove(sets, readRunning(saved, { space: sets.space, mark }))).toEqual({ kind: 'equal' });
      });

    let port = 4000;
    const host = (end: 'client' | 'server', last: number): string => all[end].address.replace(/[^.:]+$/u, String(last));
    /** From a host of the office to one of the press shop, by the last parts of their addresses; always a conversation of its own. */
    function between(client: number, server: number, to = 20_000, from = port++): Ends {
      return { client: { ...all.client, address: host('client', client), port: from }, server: { ...all.server, address: host('server', server), port: to } };
    }

    /** What either side may say in an open conversation. */
    async function said(ends: Ends, client: readonly Uint8Array[], server: readonly Uint8Array[]): Promise<readonly (readonly boolean[])[]> {
      const conversation = new TcpConversation(ends);
      expect(await bench.passes(...conversation.handshake())).toEqual([true, true, true]);
      const [ask, answer] = [conversation.client('A'), conversation.server('A')];
      const verdicts = await bench.passes(
        ...client.map((payload) => segment(ask, { flags: 'PA', payload })),
        ...server.map((payload) => segment(answer, { flags: 'PA', payload })),
      );
      return [verdicts.slice(0, client.length), verdicts.slice(client.length)];
    }

    const everything = [read, write, operate, response, joined(read, write)];
    const free = everything.map(() => true);

    it('what the called side may ask is what the flows of its conversation say together', async () => {
      expect(await said(between(5, 8), everything, everything)).toEqual([free, [true, false, false, false, false]]);
      expect(await said(between(5, 7), everything, everything)).toEqual([free, [true, true, false, false, false]]);
      expect(await said(between(6, 7), everything, everything)).toEqual([free, [false, true, false, false, false]]);
      expect(await bench.passes(...new TcpConversation(between(6, 8)).handshake().slice(0, 1))).toEqual([false]);
    });

    it('where the calling side asks, too, either side may answer whatever it answers', async () => {
      expect(await said(between(9, 8), everything, everything)).toEqual([[false, false, true, false, false], free]);
      expect(await said(between(9, 7), everything, everything)).toEqual([free, free]);
    });

    it('from the other side, by the same port on both ends, other things may be asked', async () => {
      const back = ({ client, server }: Ends): Ends => ({ client: server, server: client });
      expect(await said(back(between(5, 7, 20_000, 20_000)), everything, everything)).toEqual([free, [false, false, true, false, false]]);
      await bench.gateway.flushConntrack();
      expect(await said(between(5, 7, 20_000, 20_000), everything, everything)).toEqual([free, [true, true, false, false, false]]);
    });

    it('a deny of functions stops the calling side alone, one of ports the whole conversation', async () => {
      expect(await said(between(5, 10), everything, everything)).toEqual([
        [true, true, false, false, false],
        [true, false, false, false, false],
      ]);
      expect(await bench.passes(...new TcpConversation(between(5, 11)).handshake().slice(0, 1))).toEqual([false]);
    });

    it('segments of the called side: bare ones pass, of others whole messages that are not urgent', async () => {
      const conversation = new TcpConversation(between(5, 8));
      await bench.passes(...conversation.handshake());
      const at = conversation.server('A');
      const stamps = Uint8Array.from([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
      const most = asks(1, '3c01 06 '.repeat(80));
      const cases: readonly (readonly [part: Part, passes: boolean])[] = [
        [at, true],
        [segment(at, { options: stamps }), true],
        [segment(at, { flags: 'PA', payload: read, options: stamps }), true],
        [segment(at, { flags: 'PA', payload: most }), true],
        [segment(at, { flags: 'PA', payload: Uint8Array.from([...read, 0]) }), false],
        [segment(at, { flags: 'PA', payload: read.slice(0, -1) }), false],
        [segment(at, { flags: 'PA', payload: Uint8Array.of(0) }), false],
        [segment(at, { flags: 'PAU', payload: read }), false],
        [segment(at, { flags: 'AU' }), false],
        [segment(at, { flags: 'FA', payload: write }), false],
        [segment(at, { flags: 'FA' }), true],
        [segment(at, { flags: 'RA' }), true],
      ];
      expect(await bench.passes(...cases.map(([part]) => part))).toEqual(cases.map(([, passes]) => passes));
    });

    it('a rate counts conversations, and what is asked in those that started spends nothing', async () => {
      const first = new TcpConversation(between(12, 8));
      const second = new TcpConversation(between(12, 8));
      expect(await bench.passes(...first.handshake(), second.client('S'))).toEqual([true, true, true, false]);
      const at = first.server('A');
      const asked = [read, write, read, read].map((payload) => segment(at, { flags: 'PA', payload }));
      expect(await bench.passes(...asked, first.client('PA', response))).toEqual([true, false, true, true, true]);
    });

    it('a tool that is called over HSMS is told what the flow says', async () => {
      const message = (stream: number, code: number): Uint8Array => Uint8Array.from([0, 0, 0, 10, 0, 1, 128 + stream, code, 0, 0, 0, 0, 0, 7]);
      const select = Uint8Array.from([0, 0, 0, 10, 255, 255, 0, 0, 0, 1, 0, 0, 0, 1]);
      const [statusRequest, command, recipe] = [message(1, 3), message(2, 41), message(7, 3)];
      const messages = [select, statusRequest, command, recipe];
      expect(await said(between(5, 7, 5001), messages, messages)).toEqual([messages.map(() => true), [true, true, false, false]]);
    });
  });
}

const overlapping = `
host a in office { address 10.0.1.5, 2001:db8:1::5 }
host b in office { address 10.0.1.9, 2001:db8:1::9 }
host c in office { address 10.0.1.6, 2001:db8:1::6 }
host d in office { address 10.0.1.12 }
host d_six in office { address 2001:db8:1::12 }
host seven in press { address 10.0.2.7, 2001:db8:2::7 }
host ten in press { address 10.0.2.10, 2001:db8:2::10 }
host eleven in press { address 10.0.2.11, 2001:db8:2::11 }
flow reads { from a  to press  allow dnp3 read  requests backward }
flow writes { from office  to seven  allow dnp3 write  requests backward }
flow operates { from b  to press  allow dnp3 control  requests forward }
flow other_way { from press  to a  allow dnp3 control  requests backward }
flow no_control { from office  to ten  deny dnp3 control  requests forward }
flow not_eleven { from office  to eleven  deny tcp 20000 }
flow seldom { from d  to press  allow dnp3 read  requests backward  rate 1/hour burst 1 }
flow seldom_six { from d_six  to press  allow dnp3 read  requests backward  rate 1/hour burst 1 }
flow tool { from a  to seven  allow hsms read on tcp 5001  requests backward }
`;
