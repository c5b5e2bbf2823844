/**
 * Diagnostics that no line of a zone file shows: files, options, the output folder, two policies side by side, gaps of a
 * target, our own bugs.
 *
 * The commands on their pages run in a folder made for the purpose, and must print what the page shows, word for word.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codeRow, codeRows, page } from '../../src/diagnostics/catalogue.ts';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { renderText } from '../../src/diagnostics/render.ts';
import { compile } from '../../src/pipeline/compile.ts';
import type { TargetCapabilities } from '../../src/policy/capabilities.ts';
import type { Target } from '../../src/target/target.ts';
import { capabilitiesByName } from '../../targets/index.ts';
import { nftables } from '../../targets/nftables/index.ts';
import { contents, day, folder, zonewright, zonewrightStarted } from '../cli/cli.ts';
import { consoles, judge, type Shown } from './judge.ts';

const policy = `policy "Mill" { revision 1 }
zone office { level 4  networks 10.0.0.0/16 }
zone press  { level 1  networks 192.168.10.0/24 }
host hmi in office { address 10.0.0.5 }
host plc in press  { address 192.168.10.11 }
`;
const poll = 'flow poll { from hmi  to plc  allow modbus }\n';
const gateway = (name: string): string => `gateway ${name} {
  target nftables
  interface eth0 { faces office  address 10.0.0.1/16 }
  interface eth1 { faces press   address 192.168.10.1/24 }
  manage from hmi allow ssh
}
`;
const gw = gateway('gw');
const mill = policy + poll + gw;
const essentialPoll = poll.replace('modbus', 'modbus  essential');

/** The folder in which the command of a page runs. */
interface Stage {
  readonly path: string;
  readonly put: (name: string, content: string | Buffer) => void;
}

/** Puts in place what the command needs, and runs what comes before it. */
type Scene = (stage: Stage) => void;

function compileNow({ path }: Stage): void {
  expect(zonewright(['compile', 'mill.zone', '--date', day], { cwd: path }).status).toBe(0);
}

/** The policy that was approved and the one on the desk, each given by what follows zones and hosts. */
function changed(before: string, after: string): Scene {
  return ({ put }) => {
    put('approved.zone', policy + before);
    put('mill.zone', policy.replace('revision 1', 'revision 2') + after);
  };
}

/** The mill was compiled with an essential flow, which then lost the word. */
function essentialForgotten(stage: Stage): void {
  stage.put('mill.zone', policy + essentialPoll + gw);
  compileNow(stage);
  stage.put('mill.zone', mill);
}

/** git as on a machine that nobody set up. */
const noConfig = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };

/** What lies in the folder before the page's command runs. */
const scenes: Readonly<Record<string, Scene>> = {
  ZW2035: ({ put }) => put('site.zone', 'policy "Mill" { revision 1  timezone "Europe/Berlin" }\n'),
  ZW3013: ({ put }) => {
    put('approved.zone', mill);
    put('mill.zone', mill.replace('allow modbus', 'allow modbus, https'));
  },
  ZW4011: essentialForgotten,
  ZW4012: changed(poll + gw, poll + gw.replace('from hmi allow ssh', 'none "console only"')),
  ZW4013: changed(essentialPoll + gw, `${essentialPoll}flow quarantine { from 10.0.0.0/24  to press  deny modbus }\n${gw}`),
  ZW4014: changed(poll + gw, poll.replace('from hmi', 'from office') + gw),
  ZW4015: changed(poll.replace('modbus', 'modbus, https') + gw, poll + gw),
  ZW4016: changed(poll.replace('modbus', 'modbus  log  expires 2027-03-31') + gw, poll.replace('modbus', 'modbus  expires 2036-03-31') + gw),
  ZW4017: changed(poll + gw, poll + gw.replace('10.0.0.1/16', '10.0.255.1/16')),
  ZW6001: ({ put }) => put('mill.zone', mill),
  ZW6002: ({ put }) => {
    put('mill.zone', `include "suppliers.zone"\n${mill}`);
    put('suppliers.zone', 'include "mill.zone"\n');
  },
  ZW6003: ({ put }) => put('mill.zone', `include "/srv/plant/suppliers.zone"\n${mill}`),
  ZW6004: ({ put }) => {
    for (let part = 1; part <= 40; part++) put(`part-${part}.zone`, `include "part-${part + 1}.zone"\n`);
    put('part-41.zone', mill);
  },
  ZW6005: ({ put }) => put('mill.zone', Buffer.from(mill.replace('Mill', 'Mühle'), 'latin1')),
  ZW6006: ({ put }) => {
    put('mill.zone', mill);
    put('notes/monday.txt', 'mine\n');
  },
  ZW6007: ({ put }) => put('mill.zone', mill),
  ZW6008: ({ put }) => put('mill.zone', mill),
  ZW6009: ({ put }) => put('mill.zone', mill),
  ZW6010: (stage) => {
    stage.put('mill.zone', `${policy}${poll}${gateway('gw_office')}${gateway('gw_spare').replaceAll('0.1/', '0.2/')}`);
    compileNow(stage);
  },
  ZW6011: ({ put }) => {
    put('mill.zone', mill);
    put('.out.zonewright-lock', String(process.pid));
  },
  ZW6012: ({ put, path }) => {
    put('mill.zone', mill);
    const commit = ['-c', 'user.name=Mill', '-c', 'user.email=mill@example.org', 'commit', '--quiet', '--message', 'revision 1'];
    for (const args of [['init', '--quiet'], ['add', 'mill.zone'], commit]) execFileSync('git', args, { cwd: path, env: { ...process.env, ...noConfig } });
  },
  ZW6013: ({ put }) => {
    for (const name of ['mill.zone', 'mill/mill.zone', 'mill/mill-2025.zone']) put(name, mill);
  },
  ZW6014: essentialForgotten,
  ZW6015: (stage) => {
    essentialForgotten(stage);
    const manifest = JSON.parse(readFileSync(join(stage.path, 'out', 'manifest.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest['essential']).toHaveLength(1);
    stage.put('out/manifest.json', JSON.stringify({ ...manifest, essential: undefined }));
  },
  ZW6016: ({ put }) => {
    put('mill.zone', mill);
    put('gw.json', '{"nftables": [{"metainfo": {');
  },
  ZW6017: ({ put }) => {
    put('mill.zone', mill);
    put('gw.json', JSON.stringify({ nftables: [{ rule: { expr: [{ log: { prefix: 'zw gw_spare spoof: ' } }] } }] }));
  },
};

/** What the command of a page ends in: these are about a policy, the others about what was asked. */
function statusOf(code: string): number {
  return /^ZW[34]|^ZW6014$/u.test(code) ? 1 : 2;
}

/** A folder with a scene in it. */
function stage(scene: Scene): string {
  const path = folder();
  const put: Stage['put'] = (name, content) => {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), content);
  };
  scene({ path, put });
  return path;
}

/** The one command of a page. */
function shown(code: string): Shown {
  const [only, ...more] = consoles(page(code) ?? '');
  if (only === undefined || more.length > 0) throw new Error(`the page of ${code} shows one command`);
  return only;
}

/** As a person sees it: what is wrong, then what is right. */
function printed(ran: { readonly stdout: string; readonly stderr: string }): string {
  return `${ran.stderr}${ran.stdout}`.trimEnd();
}

describe('the command on the page of', () => {
  test.each(Object.entries(scenes))('%s', (code, scene) => {
    const { args, output } = shown(code);
    const path = stage(scene);
    const before = contents(path);
    const ran = zonewright(args, { cwd: path, env: noConfig });
    expect(printed(ran)).toBe(output);
    expect(ran.status).toBe(statusOf(code));
    expect(contents(path)).toEqual(before);
  });

  test('ZW9003, with the printer of JSON broken on purpose', () => {
    const { args, output } = shown('ZW9003');
    const preload = `JSON.stringify = () => { throw new Error('no more paper'); };`;
    const ran = zonewrightStarted(args, { env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` } });
    const lines = printed(ran).split('\n');
    // The notes are places of this very build.
    expect(lines.filter((line) => !line.startsWith('  = note: at ')).join('\n')).toBe(output);
    expect(lines.length).toBeGreaterThan(output.split('\n').length);
    expect(ran.status).toBe(4);
  });

  test('every code of files, options and bugs is tried here', () => {
    const tried = new Set([...Object.keys(scenes), 'ZW9001', 'ZW9002', 'ZW9003']);
    expect(codeRows.filter((row) => /^ZW[69]/u.test(row.code) && !tried.has(row.code)).map((row) => row.code)).toEqual([]);
  });
});

// -- what only a broken or lesser target shows ----------------------------------------------------------------------

function rendered(diagnostics: readonly Diagnostic[], text: string): string {
  return renderText(diagnostics, judge(text, 'mill.zone').loaded.sources, { color: false }).trimEnd();
}

describe('a target that is not as it should be', () => {
  const broken = (edit: (text: string) => string): Target => ({
    ...nftables,
    emit: (placed, facts) => {
      const { emission, diagnostics } = nftables.emit(placed, facts);
      return { emission: { ...emission, files: emission.files.map((file) => ({ ...file, text: edit(file.text) })) }, diagnostics };
    },
  });

  test.each([
    ['ZW9001', 'a wider emission', broken((text) => text.replaceAll('ip saddr 10.0.0.5 ip daddr', 'ip saddr 10.0.0.6 ip daddr'))],
    ['ZW9002', 'an emission that nobody can read', broken((text) => text.replace('\n', '\nflush ruleset\n'))],
  ])('%s: %s', async (code, _, target) => {
    const path = stage(({ put }) => put('mill.zone', mill));
    const { diagnostics, manifest } = await compile(join(path, 'mill.zone'), {
      date: day,
      targets: capabilitiesByName,
      output: join(path, 'out'),
      gateways: undefined,
      loadTarget: async () => Promise.resolve(target),
    });
    expect(diagnostics.map((one) => one.code)).toEqual([code]);
    expect(diagnostics[0]?.blame).toBe('bug');
    expect(manifest).toBeUndefined();
    expect(readdirSync(path)).toEqual(['mill.zone']);
    expect(`${rendered(diagnostics, mill)}\n1 error\nnothing was written`).toBe(shown(code).output);
  });

  const lesser = (lacks: Partial<TargetCapabilities>): ReadonlyMap<string, TargetCapabilities> =>
    new Map([['example', { ...nftables.capabilities, name: 'example', ...lacks }]]);
  const example = mill.replace('nftables', 'example');

  test('ZW5003: no dynamic addresses, as on its page', () => {
    const text = `${policy}${poll}${gateway('gw').replace('nftables', 'example').replace('address 10.0.0.1/16', 'address dynamic  runs dhcp-client')}`;
    const { diagnostics } = judge(text, 'mill.zone', lesser({ dynamicAddresses: false }));
    expect(`${rendered(diagnostics, text)}\n1 error`).toBe(shown('ZW5003').output);
  });

  test.each([
    ['logs', { logging: false }, 'log'],
    ['counters', { counting: false }, 'count'],
    ['a limited rate', { rateLimits: false }, 'rate 5/second'],
  ] as const)('ZW5003: no %s', (what, lacks, property) => {
    const text = example.replace('allow modbus', `allow modbus  ${property}`);
    expect(judge(example, 'mill.zone', lesser(lacks)).diagnostics).toEqual([]);
    expect(judge(text, 'mill.zone', lesser({})).diagnostics).toEqual([]);
    const messages = judge(text, 'mill.zone', lesser(lacks)).diagnostics.map((one) => `${one.code} ${one.message}`);
    expect(messages).toEqual([`ZW5003 target \`example\` of gateway \`gw\` cannot express ${what}`]);
  });
});

// -- files ------------------------------------------------------------------------------------------------------------

describe('files', () => {
  /** Codes with the file and line they point at. */
  function complaints(path: string, file = 'mill.zone'): string[] {
    const { stdout } = zonewright(['check', file, '--date', day, '--format', 'json'], { cwd: path });
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; file: string | null; line: number | null }[] };
    for (const { code } of diagnostics) expect(codeRow(code)).toBeDefined();
    return diagnostics.map(({ code, file: name, line }) => `${code} ${name ?? '-'}:${line ?? '-'}`);
  }

  test('a missing include is said where it is included, and what it may have declared is not asked for', () => {
    const path = stage(({ put }) => put('mill.zone', `${mill}\ninclude "suppliers.zone"\nflow f { from press_maker  to plc  allow maker_protocol }\n`));
    expect(complaints(path)).toEqual(['ZW6001 mill.zone:14']);
  });

  test('an include that is no text is said where it is included', () => {
    const path = stage(({ put }) => {
      put('mill.zone', `${mill}include "parts/suppliers.zone"\n`);
      put('parts/suppliers.zone', Buffer.from([0x7a, 0xff, 0xfe]));
    });
    expect(complaints(path)).toEqual(['ZW6005 mill.zone:13']);
  });

  test('paths are relative to the file that includes', () => {
    const path = stage(({ put }) => {
      put('mill.zone', `include "parts/services.zone"\n${policy}flow poll { from hmi  to plc  allow site }\n${gateway('gw')}`);
      put('parts/services.zone', 'include "more.zone"\n');
      put('parts/more.zone', 'service site { tcp 5020 }\n');
    });
    expect(complaints(path)).toEqual([]);
  });

  test('a file that two others include is read once', () => {
    const path = stage(({ put }) => {
      put('mill.zone', `include "a.zone"\ninclude "b.zone"\n${mill.replace('modbus', 'site')}`);
      put('a.zone', 'include "shared.zone"\n');
      put('b.zone', 'include "./shared.zone"\n');
      put('shared.zone', 'service site { tcp 5020 }\n');
    });
    expect(complaints(path)).toEqual([]);
  });

  test('a file that includes itself, or is reached by another way, is a cycle', () => {
    const path = stage(({ put }) => {
      put('mill.zone', `include "mill.zone"\n${mill}`);
      put('long.zone', `include "parts/../long.zone"\n${mill}`);
    });
    expect(complaints(path)).toEqual(['ZW6002 mill.zone:1']);
    expect(complaints(path, 'long.zone')).toEqual(['ZW6002 long.zone:1']);
  });

  test('a folder, an empty name and a name with a NUL byte are no files', () => {
    const path = stage(({ put }) => {
      put('parts/x.zone', '');
      put('mill.zone', `include "parts"\ninclude ""\n${mill}`);
    });
    expect(complaints(path)).toEqual(['ZW6001 mill.zone:1', 'ZW6003 mill.zone:2']);
    expect(complaints(path, 'parts')).toEqual(['ZW6001 -:-']);
  });

  test('a byte order mark is no mistake', () => {
    const path = stage(({ put }) => put('mill.zone', `\u{feff}${mill}`));
    expect(complaints(path)).toEqual([]);
  });
});

describe('the lock of the output folder', () => {
  test('is taken over if its process is gone or it holds nonsense', () => {
    for (const content of ['', 'nobody', '-1', '999999999']) {
      const path = stage(({ put }) => {
        put('mill.zone', mill);
        put('.out.zonewright-lock', content);
      });
      expect(zonewright(['compile', 'mill.zone', '--date', day], { cwd: path }).status).toBe(0);
      expect(readdirSync(path).toSorted()).toEqual(['mill.zone', 'out']);
    }
  });
});
