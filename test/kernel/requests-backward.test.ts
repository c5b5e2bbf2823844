// Requests that run backward, judged by the kernel: an outstation in the office opens the conversation, a master in the press shop asks in it.
// The idea: what should pass is written from DNP3 itself; the same frames go by raw segments and datagrams, before and after reloads.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bench, families, withPort } from './bench.ts';
import { TcpConversation, udpAnswer, udpAsk } from './conversations.ts';
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

describeKernel('requests that run backward', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.create();
  });
  afterAll(async () => bench.dispose());

  describe.each(families)('%s', (_name, { ends: all }) => {
    const ends = withPort(all, 4000, 20_000);

    /** What the master says in an open conversation, always at the same place, so that nothing that was blocked is missing. */
    async function heard(services: string, messages: readonly Uint8Array[]): Promise<readonly boolean[]> {
      await bench.gateway.flushConntrack();
      await bench.enforce(flow(services));
      const conversation = new TcpConversation(ends);
      expect(await bench.passes(...conversation.handshake(), conversation.client('PA', unsolicited))).toEqual([true, true, true, true]);
      const at = conversation.server('A');
      const saying = messages.map((payload) => {
        const { transport } = at.packet;
        if (transport.kind !== 'tcp') throw new Error('no segment');
        return { ...at, packet: { ...at.packet, transport: { ...transport, flags: 'PA', payload } } };
      });
      return bench.passes(...saying);
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

    it('the calling side answers whatever it answers', async () => {
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

    it('a conversation that is judged again by what is asked first is not kept by a wrong question', async () => {
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

    it('forward, the same conversation is looked into the other way', async () => {
      await bench.gateway.flushConntrack();
      await bench.enforce(flow('dnp3 read', 'forward'));
      const conversation = new TcpConversation(ends);
      await bench.passes(...conversation.handshake());
      expect(await bench.passes(conversation.client('PA', write), conversation.server('PA', write))).toEqual([false, true]);
    });
  });
});
