// The loader of iptables under its law: between any two of its steps the gateway permits at most what the old policy or the new one does, and
// at least what both do; killed anywhere and run again, it comes to the same end. Takes two policies and the script as emitted; stands between
// the script and its tools, and kills it before the n-th call of one, for every n, or when half of the elements of its sets are in.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileText, type Ruleset, rulesetOf } from '../generators/compile.ts';
import { iptablesBackends } from './backends.ts';
import { families, passed, plantText, withPort } from './bench.ts';
import { type Part, TcpConversation } from './conversations.ts';
import { KernelGateway } from './gateway.ts';
import { describeKernel } from './requirements.ts';

const hosts = Array.from({ length: 12 }, (_, index) => `10.0.1.${index + 2}, 2001:db8:1::${index + 2}`).join(', ');
const flow = (name: string, port: number, from = hosts): string => `flow ${name} { from ${from}  to 10.0.2.7, 2001:db8:2::7  allow tcp ${port} }\n`;
const old = flow('goes', 502) + flow('stays', 80);
const next = flow('stays', 80) + flow('comes', 22) + flow('more', 443, 'office');

const tools = (kind: 'legacy' | 'nft'): string[] => [
  `iptables-${kind}-save`,
  `iptables-${kind}-restore`,
  `ip6tables-${kind}-save`,
  `ip6tables-${kind}-restore`,
  'ipset',
];

/** A tool that counts calls, and kills the loader before the n-th, or in the middle of what it is given. */
const wrapper = (tool: string): string => `#!/bin/sh
read -r n <"$ZW_COUNT"
n=$((n + 1))
echo "$n" >"$ZW_COUNT"
echo "$n ${tool} $*" >>"$ZW_COUNT.log"
if [ "$n" = "$ZW_KILL" ]; then
	case "$ZW_HALF $*" in
	"yes -exist restore") awk '/^create/ || NR % 2' | /usr/sbin/${tool} "$@" ;;
	esac
	kill -9 "$(cat "$ZW_PID")"
	exit 1
fi
exec /usr/sbin/${tool} "$@"
`;

class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'zw loader '));

  constructor(kind: 'legacy' | 'nft') {
    mkdirSync(join(this.path, 'bin'));
    for (const tool of tools(kind)) {
      writeFileSync(join(this.path, 'bin', tool), wrapper(tool));
      chmodSync(join(this.path, 'bin', tool), 0o755);
    }
  }

  write(name: string, ruleset: Ruleset, change = (text: string): string => text): string {
    const folder = join(this.path, name);
    mkdirSync(folder, { recursive: true });
    for (const file of ruleset.files) writeFileSync(join(folder, file.name), change(file.text));
    return folder;
  }

  /** Runs the loader in a gateway; `kill`: before this call of a tool. Gives its exit status and how many calls there were. */
  run(
    gateway: KernelGateway,
    folder: string,
    kill = 0,
    half = false,
    ...options: string[]
  ): { status: number | null; calls: number; log: string[]; stderr: string } {
    const [count, pid] = [join(this.path, 'count'), join(this.path, 'pid')];
    writeFileSync(count, '0\n');
    writeFileSync(`${count}.log`, '');
    const script = 'echo $$ >"$ZW_PID"; exec sh "$0/load.sh" "$@"';
    const { status, stderr } = spawnSync('nsenter', [`--net=/run/netns/${gateway.topology.gateway}`, '--', 'sh', '-c', script, folder, ...options], {
      encoding: 'utf8',
      env: {
        ...process.env,
        PATH: `${join(this.path, 'bin')}:${process.env['PATH'] ?? ''}`,
        ZW_COUNT: count,
        ZW_PID: pid,
        ZW_KILL: String(kill),
        ZW_HALF: half ? 'yes' : 'no',
      },
    });
    const calls = Number(readFileSync(count, 'utf8'));
    return { status, calls, log: readFileSync(`${count}.log`, 'utf8').split('\n'), stderr };
  }
}

const withSets = iptablesBackends.filter(({ name }) => name.endsWith('with sets'));

/** Each back end has a gateway of its own: rules of one would go on beside those of the other. */
for (const backend of withSets)
  describeKernel(`the loader of ${backend.name}`, () => {
    const kind = backend.name.startsWith('iptables-legacy') ? 'legacy' : 'nft';
    let gateway: KernelGateway;
    const folders: Folder[] = [];
    beforeAll(async () => {
      gateway = await KernelGateway.create({
        interfaces: [
          { name: 'eth0', addresses: ['10.0.1.1/24', '2001:db8:1::1/64'] },
          { name: 'eth1', addresses: ['10.0.2.1/24', '2001:db8:2::1/64'], routes: ['10.9.0.0/16', '2001:db8:9::/48'] },
          { name: 'eth2', addresses: ['10.0.3.1/25', '2001:db8:3:a::1/64'] },
          { name: 'eth3', addresses: ['10.0.4.1/25', '2001:db8:4:a::1/64'] },
        ],
      });
    });
    afterAll(async () => {
      await gateway.dispose();
      for (const folder of folders) rmSync(folder.path, { recursive: true, force: true });
    });

    const compiled = (flows: string): Ruleset => rulesetOf(compileText(backend.dress(plantText({ flows }))));

    let port = 20_000;
    const part = (server: number, first: (conversation: TcpConversation) => Part): { family: string; server: number; part: Part }[] =>
      families.map(([family, { ends }]) => {
        port += 1;
        return { family, server, part: first(new TcpConversation(withPort(ends, port, server))) };
      });

    /** What starts now, on each port and family. */
    const starts = async (): Promise<Record<string, boolean>> => {
      const asked = [502, 80, 22, 443, 23].flatMap((server) => part(server, (conversation) => conversation.client('S')));
      const seen = await gateway.sendSteps([asked.map((one) => ({ id: `${one.family} ${one.server}`, ...one.part }))]);
      return Object.fromEntries([...seen].map(([id, observation]) => [String(id), passed(observation)]));
    };
    const expected = (...allowed: number[]): Record<string, boolean> =>
      Object.fromEntries([502, 80, 22, 443, 23].flatMap((server) => families.map(([family]) => [`${family} ${server}`, allowed.includes(server)])));

    const snapshot = async (): Promise<{ rules: string; sets: string[] }> => {
      const saved = await Promise.all([gateway.run(`iptables-${kind}-save`, ['-t', 'filter']), gateway.run(`ip6tables-${kind}-save`, ['-t', 'filter'])]);
      const sets = (await gateway.run('ipset', ['list', '-n'])).stdout.split('\n').filter((name) => name !== '');
      return { rules: saved.map(({ stdout }) => stdout.replaceAll(/^#.*\n|\[\d+:\d+\]/gmu, '')).join(''), sets: sets.sort() };
    };

    /** Something of another program: a chain in front, and a set. */
    const foreign = async (): Promise<void> => {
      const text = '*filter\n:other - [0:0]\n:zwother - [0:0]\n-A FORWARD -j other\n-A other -p tcp -m tcp --dport 9 -j DROP\nCOMMIT\n';
      await gateway.run(`iptables-${kind}-restore`, ['--noflush'], text);
      await gateway.run(`ip6tables-${kind}-restore`, ['--noflush'], text);
      await gateway.run('ipset', ['-exist', 'create', 'blocklist', 'hash:ip']);
      await gateway.run('ipset', ['-exist', 'create', 'zwother', 'hash:ip']);
    };

    const fresh = async (): Promise<void> => {
      await backend.clear(gateway);
      await gateway.flushConntrack();
      await foreign();
    };

    /** All rules and sets as they are, and back to them: what a loader does in fifty calls of programs. */
    const standing = async (): Promise<{ four: string; six: string; sets: string }> => {
      const output = async (command: string, ...args: string[]): Promise<string> => (await gateway.run(command, args)).stdout;
      const [four, six] = [await output(`iptables-${kind}-save`, '-t', 'filter'), await output(`ip6tables-${kind}-save`, '-t', 'filter')];
      return { four, six, sets: await output('ipset', 'save') };
    };
    /** What a loader finds: rules without counters, sets without their seeds. */
    const found = async (): Promise<string> => {
      const { four, six, sets } = await standing();
      const elements = sets
        .replaceAll(/ initval \S+/gu, '')
        .split('\n')
        .sort();
      return [four, six].map((rules) => rules.replaceAll(/^#.*\n|\[\d+:\d+\]/gmu, '')).join('') + elements.join('\n');
    };
    const backTo = async ({ four, six, sets }: Awaited<ReturnType<typeof standing>>): Promise<void> => {
      await backend.clear(gateway);
      await gateway.flushConntrack();
      await gateway.run('ipset', ['restore'], sets);
      await gateway.run(`iptables-${kind}-restore`, [], four);
      await gateway.run(`ip6tables-${kind}-restore`, [], six);
    };

    it('keeps its law, killed before any call of a tool', async () => {
      const folder = new Folder(kind);
      folders.push(folder);
      const [before, after] = [folder.write('old', compiled(old)), folder.write('new', compiled(next))];
      await fresh();
      expect(folder.run(gateway, before)).toMatchObject({ status: 0, stderr: '' });
      const [loaded, beginning] = [await standing(), await snapshot()];
      expect(await starts()).toEqual(expected(502, 80));
      const first = folder.run(gateway, after);
      expect(first).toMatchObject({ status: 0, stderr: '' });
      expect(await starts()).toEqual(expected(80, 22, 443));
      const end = await snapshot();
      expect(end.rules).toContain('-A FORWARD -j zw.forward\n-A FORWARD -j other\n');
      expect(end.rules).toContain(':other');
      expect(end.sets).toEqual(expect.arrayContaining(['blocklist', 'zwother']));
      expect(end.rules).not.toContain('probe');
      // Twice changes nothing, and going back and forth comes to the same.
      expect(folder.run(gateway, after).status).toBe(0);
      expect(await snapshot()).toEqual(end);
      const filling = first.log.findIndex((line) => line.endsWith('ipset -exist restore')) + 1;
      expect(filling).toBeGreaterThan(0);
      // One script for both back ends: each has every other call, unless all are asked for.
      const mine = ({ kill }: { kill: number }): boolean => process.env['ZW_LOADER_KILLS'] === 'all' || kill % 2 === (kind === 'legacy' ? 0 : 1);
      const calls = Array.from({ length: first.calls }, (_none, index) => ({ kill: index + 1, half: false }));
      const kills = [{ kill: filling, half: true }, ...calls.filter(mine)];
      // Most calls change nothing: killed before or behind one of those, a loader leaves the same to the next run, and that is followed once.
      const states = new Set<string>();
      for (const { kill, half } of kills) {
        await backTo(loaded);
        expect(await snapshot()).toEqual(beginning);
        // Conversations of the old policy, one of which the new one allows too.
        const running = [502, 80].flatMap((server) =>
          families.map(([family, { ends }]) => ({ family, server, conversation: new TcpConversation(withPort(ends, 10_000 + server, server)) })),
        );
        const send = async (make: (conversation: TcpConversation) => Part): Promise<Record<string, boolean>> => {
          const seen = await gateway.sendSteps([running.map(({ family, server, conversation }) => ({ id: `${family} ${server}`, ...make(conversation) }))]);
          return Object.fromEntries([...seen].map(([id, observation]) => [String(id), passed(observation)]));
        };
        for (const make of [(one: TcpConversation) => one.client('S'), (one: TcpConversation) => one.server('SA'), (one: TcpConversation) => one.client('A')])
          expect(Object.values(await send(make))).toEqual([true, true, true, true]);
        expect(folder.run(gateway, after, kill, half).status).not.toBe(0);
        const state = await found();
        if (states.has(state)) continue;
        states.add(state);
        const between = await starts();
        for (const [id, passes] of Object.entries(between)) {
          if (passes) expect(expected(502, 80, 22, 443)[id], `${id} after call ${kill}`).toBe(true);
          if (id.endsWith(' 80')) expect(passes, `${id} after call ${kill}`).toBe(true);
        }
        expect(await send((one) => one.client('A'))).toMatchObject({ 'IPv4 80': true, 'IPv6 80': true });
        expect(folder.run(gateway, after)).toMatchObject({ status: 0, stderr: '' });
        expect(await starts()).toEqual(expected(80, 22, 443));
        expect(await send((one) => one.server('A'))).toEqual({ 'IPv4 502': false, 'IPv4 80': true, 'IPv6 502': false, 'IPv6 80': true });
        expect(await snapshot()).toEqual(end);
      }
      expect(kills.length).toBeGreaterThan(10);
      expect(states.size).toBeGreaterThan(5);
    }, 300_000);

    it('puts a set right that was changed by hand', async () => {
      const folder = new Folder(kind);
      folders.push(folder);
      // Hosts apart from each other and ports that are no elements: a set of networks.
      const group = Array.from({ length: 9 }, (_, index) => `10.0.1.${2 * index + 20}`).join(', ');
      const path = folder.write('new', compiled(`${next}flow wide { from ${group}  to 10.0.2.7  allow tcp 5000-5999 }\n`));
      await fresh();
      expect(folder.run(gateway, path)).toMatchObject({ status: 0, stderr: '' });
      const saved = async (): Promise<string> => (await gateway.run('ipset', ['save'])).stdout;
      // A set made anew has another seed.
      const elements = async (): Promise<string[]> =>
        (await saved())
          .split('\n')
          .filter((line) => line.startsWith('add '))
          .sort();
      const [rules, sets] = [await snapshot(), await elements()];
      const name = /^create (zw\.\S+) hash:net family inet /mu.exec(await saved())?.[1] ?? '';
      const [element = ''] = sets.flatMap((line) => (line.startsWith(`add ${name} `) ? [line.slice(`add ${name} `.length)] : []));
      await gateway.run('ipset', ['del', name, element]);
      await gateway.run('ipset', ['add', name, '203.0.113.0/24']);
      const again = folder.run(gateway, path);
      expect(again.status).toBe(0);
      expect(again.stderr).toBe(`load.sh: made anew, since changed by another hand: ${name}\n`);
      expect(await snapshot()).toEqual(rules);
      expect(await elements()).toEqual(sets);
      // An exception, and then a set whose elements go after a while in place of ours.
      await gateway.run('ipset', ['-exist', 'add', name, element, 'nomatch']);
      expect(folder.run(gateway, path)).toMatchObject({ status: 0, stderr: '' });
      expect(await elements()).toEqual(sets);
      await gateway.run('ipset', ['create', 'other', 'hash:net', 'family', 'inet', 'hashsize', '64', 'maxelem', '64', 'timeout', '600']);
      await gateway.run('ipset', ['swap', 'other', name]);
      await gateway.run('ipset', ['destroy', 'other']);
      expect(folder.run(gateway, path).stderr).toBe(`load.sh: made anew, since changed by another hand: ${name}\n`);
      expect(await saved()).not.toContain('timeout');
      expect(await elements()).toEqual(sets);
    });

    it('changes nothing where a set of its name is of another kind', async () => {
      const folder = new Folder(kind);
      folders.push(folder);
      const path = folder.write('new', compiled(next));
      await fresh();
      const before = await snapshot();
      const name = /^create (zw\.\S+)/mu.exec(readFileSync(join(path, 'ipset.rules'), 'utf8'))?.[1] ?? '';
      await gateway.run('ipset', ['create', name, 'hash:ip']);
      const { status, stderr } = folder.run(gateway, path);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^load\.sh: zw\.\S+: not as load\.sh made it, and ipset refuses .*; the old rules stand\. Remove it by hand and run it again\n$/u);
      expect((await snapshot()).rules).toBe(before.rules);
      await gateway.run('ipset', ['destroy', name]);
      expect(folder.run(gateway, path)).toMatchObject({ status: 0, stderr: '' });
    });

    it('leaves a chain that ends where another program leads into it, empty', async () => {
      const folder = new Folder(kind);
      folders.push(folder);
      await fresh();
      expect(folder.run(gateway, folder.write('old', compiled(old))).status).toBe(0);
      // Chains of the new policy too: what the first one has may not be in the second.
      const ending = ['-I other 1 -i eth5 -j zw.gone', '-A FORWARD -i eth5 -g zw.gone', '-A FORWARD -i eth5 -j zw.forward'];
      await gateway.run(`iptables-${kind}-restore`, ['--noflush'], `*filter\n:zw.gone - [0:0]\n-A zw.gone -j ACCEPT\n${ending.join('\n')}\nCOMMIT\n`);
      const { status, stderr } = folder.run(gateway, folder.write('new', compiled(next)));
      expect(status).toBe(0);
      expect(stderr.trimEnd().split('\n').sort()).toEqual([
        'load.sh: IPv4: zw.forward is led to by a rule of another program: -A FORWARD -i eth5 -j zw.forward',
        expect.stringMatching(
          /^load\.sh: IPv4: zw\.gone stays, empty: it is led to by a rule of another program: -A (?:other|FORWARD) -i eth5 -[jg] zw\.gone$/u,
        ),
      ]);
      const { rules } = await snapshot();
      expect(rules).toContain(':zw.gone - ');
      expect(rules).not.toContain('-A zw.gone');
      expect(rules).toContain('-A FORWARD -j zw.forward\n-A FORWARD -j other\n');
      expect(await starts()).toEqual(expected(80, 22, 443));
    });

    it('changes no rule where the disk is full', async () => {
      const folder = new Folder(kind);
      folders.push(folder);
      await fresh();
      expect(folder.run(gateway, folder.write('old', compiled(old))).status).toBe(0);
      const path = folder.write('new', compiled(next));
      const before = await snapshot();
      const outcomes = new Set<string>();
      for (const room of [4, 8, 16, 32, 64]) {
        const script = `mount -t tmpfs -o size=${room}k none "$1"; exec nsenter --net=/run/netns/${gateway.topology.gateway} sh "$2/load.sh"`;
        const small = join(folder.path, `${room}`);
        mkdirSync(small);
        const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-ec', script, 'sh', small, path], {
          encoding: 'utf8',
          env: { ...process.env, TMPDIR: small },
        });
        expect(status).toBe(1);
        expect(stderr).toMatch(/load\.sh: .*no room for temporary files; (?:nothing was changed|the old rules stand)/u);
        outcomes.add(/; (.*)\n$/u.exec(stderr)?.[1] ?? '');
        expect((await snapshot()).rules).toBe(before.rules);
      }
      expect(outcomes.size).toBeGreaterThan(1);
      expect(folder.run(gateway, path)).toMatchObject({ status: 0, stderr: '' });
      expect(await starts()).toEqual(expected(80, 22, 443));
    });

    it('changes nothing where something is missing', async () => {
      const folder = new Folder(kind);
      folders.push(folder);
      await fresh();
      const ruleset = compiled(old);
      expect(folder.run(gateway, folder.write('old', ruleset)).status).toBe(0);
      const before = await snapshot();
      const wanted = compiled(next);
      const refusals: readonly (readonly [string, (text: string) => string, RegExp])[] = [
        ['tool', (text) => text.replace(/^tool6='.*'$/mu, "tool6='ip6tables-absent'"), /ip6tables-absent-save is not installed; nothing was changed/u],
        ['match', (text) => text.replace(/^(-A zw\.state .*)$/mu, '$1\n-A zw.state -m absent -j DROP'), /absent.*nothing was changed/u],
        ['target', (text) => text.replaceAll('-j CONNMARK --set-xmark', '-j CONNMARK --set-absent'), /nothing was changed/u],
      ];
      for (const [name, change, why] of refusals) {
        const { status, stderr } = folder.run(gateway, folder.write(name, wanted, change));
        expect(status).toBe(1);
        expect(stderr).toMatch(why);
        expect(await snapshot()).toEqual(before);
      }
      const dry = folder.run(gateway, folder.write('dry', wanted), 0, false, '-n');
      expect(dry).toMatchObject({ status: 0 });
      expect(dry.stderr).toContain('nothing was changed');
      expect(await snapshot()).toEqual(before);
      expect(folder.run(gateway, folder.write('dry', wanted), 0, false, '-x').status).toBe(2);
      rmSync(join(folder.path, 'dry', 'ip6tables.rules'));
      expect(folder.run(gateway, join(folder.path, 'dry'))).toMatchObject({ status: 1 });
      expect(await snapshot()).toEqual(before);
    });

    it('tries a program that looks into messages before it changes anything', async () => {
      const folder = new Folder(kind);
      folders.push(folder);
      await fresh();
      expect(folder.run(gateway, folder.write('old', compiled(old))).status).toBe(0);
      const before = await snapshot();
      const looking = compiled('flow reads { from office to press allow modbus read }');
      // An instruction that no kernel has, as a match is that this one has not.
      const broken = folder.run(
        gateway,
        folder.write('broken', looking, (text) => text.replaceAll(/--bytecode "[^"]*"/gu, '--bytecode "2,255 0 0 0,6 0 0 0"')),
      );
      expect(broken.status).toBe(1);
      expect(broken.stderr).toMatch(/nothing was changed/u);
      expect(await snapshot()).toEqual(before);
      expect(folder.run(gateway, folder.write('looking', looking))).toMatchObject({ status: 0 });
      expect((await snapshot()).rules).toContain('--bytecode "18,48 0 0 0,');
    });

    it('lets go of the sets when a gateway no longer has them', async () => {
      const folder = new Folder(kind);
      folders.push(folder);
      await fresh();
      expect(folder.run(gateway, folder.write('sets', compiled(old))).status).toBe(0);
      expect((await snapshot()).sets.length).toBeGreaterThan(2);
      const text = backend.dress(plantText({ flows: old })).replace('sets yes', 'sets no');
      expect(folder.run(gateway, folder.write('none', rulesetOf(compileText(text)))).status).toBe(0);
      expect((await snapshot()).sets).toEqual(['blocklist', 'zwother']);
      expect(await starts()).toEqual(expected(502, 80));
    });
  });
