// Denied messages that are answered with a reset, judged by the kernel. Takes gateways with `denied-messages reset` and without, gives what their
// clients and servers notice: ordinary programs that go on by a new connection, and raw segments that show which packets are answered and which
// are not. The idea: what is answered, to whom and with which numbers is written here from RFC 9293.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prove } from '../../src/pipeline/prove.ts';
import { policySets, policySpace } from '../../src/policy/sets.ts';
import type { EmittedFile } from '../../src/target/target.ts';
import { iptables } from '../../targets/iptables/index.ts';
import { nftables } from '../../targets/nftables/index.ts';
import { compileText, rulesetOf } from '../generators/compile.ts';
import { type LookingPlace, lookingPlaces } from './backends.ts';
import { Bench, but, by, families, type PlantText, plantText, stations, withPort } from './bench.ts';
import { type Ends, type Part, TcpConversation, udpAnswer, udpAsk } from './conversations.ts';
import { KernelGateway } from './gateway.ts';
import { startInStation, StationProgram } from './real.ts';
import { describeKernel } from './requirements.ts';

const program = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url));
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

const read = '000100000006010300000001';
const otherRead = '000200000006010400100002';
const write = '000100000006010600010003';
/** The first client's port. */
const first = 21_000;
const reset = 'denied-messages reset';
const poll = 'flow poll { from office to press allow modbus read, modbus read on udp 502 }';

for (const place of lookingPlaces) {
  describeKernel(`denied messages of programs, ${place.backend.name}`, () => programsOn(place));
  describeKernel(`denied messages, ${place.backend.name}`, () => segmentsOn(place));
}

function programsOn({ backend, families: names }: LookingPlace): void {
  let gateway: KernelGateway;
  beforeAll(async () => {
    gateway = await KernelGateway.create({ interfaces: stations });
  });
  afterAll(async () => gateway.dispose());

  const enforce = (plant: PlantText): Promise<void> => backend.load(gateway, rulesetOf(compileText(backend.dress(plantText(plant)))));
  const ways = [
    ['through the gateway', 'IPv4', '10.0.2.7'],
    ['through the gateway', 'IPv6', '2001:db8:2::7'],
    ['to the gateway', 'IPv4', '10.0.1.1'],
    ['from the gateway', 'IPv6', '2001:db8:2::7'],
  ] as const;

  it('dropped, a write stops what follows; with a reset the client goes on', { timeout: 20_000 }, async () => {
    const plant = { flows: poll, traffic: 'manage from office allow modbus read\n  send to press allow modbus read' };
    const inGateway = (args: readonly string[]): StationProgram => new StationProgram(gateway.topology.gateway, args);
    await enforce(plant);
    const mine = ways.filter(([, family]) => names.includes(family));
    const servers = new Map<string, StationProgram>();
    for (const address of new Set(mine.map(([, , one]) => one))) {
      const server = [program('stream-server.mjs'), '502', address];
      const serving = address === ways[2][2] ? inGateway(server) : startInStation(gateway, 'eth1', server);
      await serving.line(/^listening/);
      servers.set(address, serving);
    }
    const running = mine.map(([way, , address], index) => {
      const client = [program('segment-client.mjs'), address, '502'];
      const talking = way === 'from the gateway' ? inGateway(client) : startInStation(gateway, 'eth0', client);
      // Each by ports of its own, by which its server knows it.
      return { way, talking, port: (round: number): number => first + 10 * index + round, serving: servers.get(address) };
    });
    const all = async (round: number, word: (port: number) => string, line?: (port: number) => string): Promise<void> => {
      for (const { talking, port } of running) talking.say(word(port(round)));
      if (line !== undefined) await Promise.all(running.map(({ talking, port }) => talking.line(new RegExp(`^${line(port(round))}$`), 2500)));
    };
    const reads = async (round: number): Promise<void> => {
      await all(
        round,
        (port) => `open ${port}`,
        (port) => `opened ${port}`,
      );
      await all(
        round,
        (port) => `write ${port} ${read}`,
        (port) => `answered ${port} 30`,
      );
    };
    const isReset = (port: number): string => `error ${port} ECONNRESET`;

    await reads(0);
    await all(0, (port) => `write ${port} ${write}`);
    await wait(60);
    await all(0, (port) => `write ${port} ${otherRead}`);
    // Sent again by then, once.
    await wait(340);
    const noticed = running.map(({ way, talking, port }) => [way, ...talking.lines.filter((line) => line.includes(` ${port(0)}`))]);
    expect(noticed).toEqual(running.map(({ way, port }) => [way, `opened ${port(0)}`, `answered ${port(0)} 30`]));

    await enforce({ ...plant, options: reset });
    // The conversation that waits is told, too, with the next time that its message is sent.
    await Promise.all(running.map(({ talking, port }) => talking.line(new RegExp(`^${isReset(port(0))}$`), 2500)));
    await reads(1);
    const before = performance.now();
    await all(1, (port) => `write ${port} ${write}`, isReset);
    // Before anything is sent a second time.
    expect(performance.now() - before).toBeLessThan(190);
    await reads(2);
    const got = (serving: StationProgram | undefined, port: number): string | undefined =>
      serving?.lines.findLast((line) => line.startsWith(`got ${port} `))?.split(' ')[2];
    const arrived = running.map(({ way, serving, port }) => [way, ...[0, 1, 2].map((round) => got(serving, port(round)))]);
    await Promise.all([...running.map(({ talking }) => talking), ...servers.values()].map((one) => one.stop('SIGKILL')));
    expect(arrived).toEqual(running.map(({ way }) => [way, read, read, read]));
  });
}

/** In a short run some of it on iptables. */
function segmentsOn({ backend, families: names, share }: LookingPlace): void {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.create({}, backend);
  });
  afterAll(async () => bench.dispose());

  it('what the gateway prints of it reads as the policy', async () => {
    const traffic = 'manage from office allow modbus read\n  send to press allow modbus read';
    const ruleset = await bench.enforce({ flows: poll, traffic, options: reset });
    const tools = /^iptables-(\w+)/u.exec(backend.name)?.[1];
    const output = async (tool: string, ...args: string[]): Promise<EmittedFile> => ({ name: tool, text: (await bench.gateway.run(tool, args)).stdout });
    if (tools !== undefined) {
      // The same once more, by its own loader.
      const folder = mkdtempSync(join(tmpdir(), 'zw denied '));
      for (const { name, text } of ruleset.files) writeFileSync(join(folder, name), text);
      await bench.gateway.run('sh', [join(folder, 'load.sh')]);
      rmSync(folder, { recursive: true });
    }
    const saved =
      tools === undefined
        ? [await output('nft', '-j', 'list', 'table', 'inet', 'zonewright')]
        : [await output(`iptables-${tools}-save`), await output(`ip6tables-${tools}-save`), await output('ipset', 'save')];
    const target = tools === undefined ? nftables : iptables;
    const { policy, mark } = ruleset;
    const sets = policySets(policy, policySpace(policy, ...target.runningBorders(saved)));
    expect(prove(sets, target.readRunning(saved, { space: sets.space, mark }))).toEqual({ kind: 'equal' });
    if (share === 'some') return;
    // Without the option the same gateway answers what it should drop.
    const silent = { ...policy, resetsDenied: false };
    const without = policySets(silent, policySpace(silent, ...target.runningBorders(saved)));
    expect(prove(without, target.readRunning(saved, { space: without.space, mark }))).toMatchObject({
      how: 'is answered with a reset, but the policy drops it in silence',
    });
  });

  describe.each(families.filter(([name]) => names.includes(name)))('%s', (_name, { ends: all, own, name: familyName }) => {
    // The same for both families.
    const whole = (name: string, body: () => Promise<void>): void => {
      if (share === 'all' && (familyName === 'IPv4' || process.env['ZW_MESSAGE_BACKENDS'] === 'all')) it(name, body);
    };
    const [c, s] = [all.client.address, all.server.address];
    const closed = familyName === 'IPv4' ? '10.0.2.8' : '2001:db8:2::8';

    async function enforce(plant: PlantText): Promise<void> {
      await bench.gateway.flushConntrack();
      await bench.enforce({ ...plant, options: reset });
    }

    /** What each part is answered on the wire, and whether the gateway's own hooks let that out: `from:port > to:port by eth0, flags, sequence`. */
    async function answers(...parts: readonly Part[]): Promise<readonly (readonly string[])[]> {
      const seen: string[][] = [];
      for (const part of parts) {
        bench.gateway.takeStrays();
        expect(await bench.passes(part)).toEqual([false]);
        const strays = bench.gateway.takeStrays().filter(({ packet }) => packet.protocol === 6);
        seen.push(
          strays.flatMap(({ at, in: into, out, packet }) => {
            const { upper } = packet;
            const flags = ['F', 'S', 'R', 'P', 'A', 'U'].filter((_, bit) => ((upper[13] ?? 0) >> bit) & 1).join('');
            const number = new DataView(upper.buffer, upper.byteOffset).getUint32(4);
            return at === 'wire'
              ? [`${packet.source}:${packet.first} > ${packet.destination}:${packet.second} by ${out ?? into ?? ''}, ${flags}, ${number}`]
              : [];
          }),
        );
      }
      return seen;
    }

    async function opened(ends: Ends): Promise<TcpConversation> {
      const conversation = new TcpConversation(ends);
      expect(await bench.passes(...conversation.handshake())).toEqual([true, true, true]);
      return conversation;
    }

    whole('its sender gets a reset with the number that it waits for, and its server nothing', async () => {
      await enforce({ flows: poll });
      const one = await opened(withPort(all, 4000));
      expect(await bench.passes(one.client('PA', bytes(read)), one.server('PA', bytes(write)))).toEqual([true, true]);
      // 9001, and the twelve bytes of the answer.
      const theReset = [`${s}:502 > ${c}:4000 by eth0, R, 9013`];
      expect(await answers(one.client('PA', bytes(write)))).toEqual([theReset]);
      expect((await bench.gateway.conntrack()).filter((line) => line.includes('sport=4000 dport=502')).map((line) => / CLOSE /u.test(line))).toEqual([true]);
      // Who does not listen is judged as before. What the server says soon comes to the client, whose own reset passes.
      const again = withPort(all, 4000);
      const later = new TcpConversation(again, { client: 1025, server: 9013 });
      expect(await bench.passes(later.client('PA', bytes(otherRead)), later.server('PA', bytes(read)), later.client('R'))).toEqual([true, true, true]);
      // As ten seconds later: its record is gone.
      await bench.gateway.flushConntrack();
      expect(await bench.passes(later.server('A'), later.server('PA', bytes(read)))).toEqual([false, false]);
    });

    it('whatever is no allowed message is answered so, and nothing that is denied for another reason', async () => {
      await enforce({ flows: `${poll}\nflow no { from office to ${closed} deny tcp 502 }` });
      let port = 4100;
      const said = async (hex: string, flags = 'PA'): Promise<Part> => {
        const one = await opened(withPort(all, (port += 1)));
        return one.client(flags, bytes(hex));
      };
      const unknown = ['474554202f', read.slice(0, 12), read + read, `${read}00`];
      for (const hex of unknown) expect(await answers(await said(hex))).toEqual([[`${s}:502 > ${c}:${port} by eth0, R, 9001`]]);
      const fresh = (more: Partial<Ends['server']> = {}): TcpConversation =>
        new TcpConversation({ client: { ...all.client, port: (port += 1) }, server: { ...all.server, ...more } });
      const asked = withPort(all, (port += 1));
      const others: readonly (readonly [string, Part])[] = [
        ['spoofed, within an open conversation', by(await said(write), 'eth1')],
        ['spoofed, to the gateway itself', but(by(fresh({ address: own.eth0 }).client('PA', bytes(write)), 'eth1'), {})],
        ['from an address of no zone', but(await said(write), { source: familyName === 'IPv4' ? '10.77.0.5' : '2001:db8:77::5' })],
        ['a message that no conversation comes before', fresh().client('PA', bytes(write))],
        ['a port of no flow', fresh({ port: 503 }).client('S')],
        ['a host that a deny closes', fresh({ address: closed }).client('PA', bytes(write))],
        ['a wrong check sum', but(await said(write), { corruptChecksum: true })],
        ['a reset that says something', await said(write, 'RA')],
        ['a datagram', udpAsk(asked, bytes(write))],
      ];
      for (const [name, part] of others) expect([name, ...(await answers(part))]).toEqual([name, []]);
      expect(await bench.passes(udpAsk(asked, bytes(read)), udpAnswer(asked, bytes(write)))).toEqual([true, true]);
      expect(await answers(udpAsk(asked, bytes(write)))).toEqual([[]]);
    });

    whole('a reset that the gateway has no reason for does not leave', async () => {
      await enforce({ flows: poll });
      const stranger = new TcpConversation({ ...withPort(all, 4300), server: { ...all.server, behind: 'local' } });
      expect(await bench.passes(stranger.server('R'), stranger.server('RA'), stranger.server('SA'))).toEqual([false, false, false]);
    });

    whole('a conversation that is judged again after a reload is answered, too, but one that ends with it is not', async () => {
      const both = (functions: string): string =>
        `flow poll { from office to press allow modbus ${functions} }\nflow other { from office to press allow tcp 22 }`;
      await enforce({ flows: both('{ read, write }') });
      const [kept, cut] = [await opened(withPort(all, 4400)), await opened(withPort(all, 4401, 22))];
      expect(await bench.passes(kept.client('PA', bytes(write)))).toEqual([true]);
      await bench.enforce({ flows: poll, options: reset });
      expect(await answers(kept.client('PA', bytes(write)), cut.client('PA', bytes(write)))).toEqual([[`${s}:502 > ${c}:4400 by eth0, R, 9001`], []]);
    });

    whole('where the called side asks, it is the one that is told', async () => {
      await enforce({ flows: 'flow dials { from office to press allow dnp3 read  requests backward }' });
      const one = await opened(withPort(all, 4500, 20_000));
      expect(await bench.passes(one.client('PA', bytes('474554')), one.server('PA', dnp3(1)))).toEqual([true, true]);
      expect(await answers(one.server('PA', dnp3(2)))).toEqual([[`${c}:4500 > ${s}:20000 by eth1, R, 1004`]]);
    });

    // Logs of iptables are not seen in a namespace.
    if (backend.name === 'nftables')
      whole('logs say what they say without it', async () => {
        const logged = async (options: string): Promise<unknown> => {
          await bench.gateway.flushConntrack();
          await bench.enforce({ flows: poll, options });
          const one = await opened(withPort(all, 4700));
          return (await bench.logs(one.client('PA', bytes(write))))[0];
        };
        expect([await logged(''), await logged(reset)]).toEqual([['zw gw office>press default: '], ['zw gw office>press default: ']]);
      });
  });
}

/** A link frame of a master that asks for a function; check sums of which no rule takes notice. */
function dnp3(code: number): Uint8Array {
  return bytes(`05640bc40100020 0abcd c0c1${code.toString(16).padStart(2, '0')}3c0206 abcd`.replaceAll(' ', ''));
}
