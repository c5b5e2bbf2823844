/** Promise 2: all or nothing, the same bytes for the same input, and no folder that is not ours. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contents, day, folder, main, pressShop, waterWorks, zonewright, zonewrightStarted } from './cli.ts';

function compileTo(out: string, file = pressShop, more: readonly string[] = []): ReturnType<typeof zonewright> {
  return zonewright(['compile', file, '-o', out, '--date', day, ...more]);
}

/** What is wrong with an output folder; undefined for a complete one. */
function incomplete(out: string): string | undefined {
  const files = contents(out);
  const text = files['manifest.json'];
  if (text === undefined) return 'no manifest';
  const manifest = JSON.parse(text) as { gateways: Record<string, { files: { name: string; sha256: string }[] }> };
  const listed = Object.entries(manifest.gateways).flatMap(([gateway, entry]) =>
    entry.files.map((file) => ({ path: join(gateway, file.name), sha256: file.sha256 })),
  );
  for (const { path, sha256 } of listed) {
    const content = files[path];
    if (content === undefined) return `${path} is missing`;
    if (createHash('sha256').update(content).digest('hex') !== sha256) return `${path} differs`;
  }
  return Object.keys(files).length === listed.length + 1 ? undefined : 'more files than the manifest lists';
}

describe('the output folder', () => {
  it('is complete, and its manifest lists every file with its digest', () => {
    const out = join(folder(), 'out');
    expect(compileTo(out, waterWorks).status).toBe(0);
    expect(incomplete(out)).toBeUndefined();
    expect(Object.keys(contents(out))).toEqual(['gw_centre/ruleset.nft', 'gw_pump_1/ruleset.nft', 'gw_pump_2/ruleset.nft', 'manifest.json']);
  });

  it('has the same bytes whatever the folder, locale and time zone', () => {
    const first = folder();
    const second = folder();
    expect(zonewrightStarted(['compile', pressShop, '-o', join(first, 'out'), '--date', day]).status).toBe(0);
    cpSync(join(pressShop, '..'), join(second, 'elsewhere'), { recursive: true });
    const other = zonewrightStarted(['compile', 'press-shop-ports.zone', '-o', join(second, 'out'), '--date', day], {
      cwd: join(second, 'elsewhere'),
      env: { TZ: 'Pacific/Kiritimati', LANG: 'ja_JP.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
    });
    expect(other.status).toBe(0);
    expect(contents(join(second, 'out'))).toEqual(contents(join(first, 'out')));
  });

  it('does not change with the order of declarations, lines and digest aside', () => {
    const path = folder();
    const text =
      readFileSync(waterWorks, 'utf8').replace('include "pumping-stations.zone"', '') + readFileSync(join(waterWorks, '..', 'pumping-stations.zone'), 'utf8');
    const blocks = text.split(/\n(?=[a-z])/u);
    const strip = (files: Record<string, string>): Record<string, string> =>
      Object.fromEntries(
        Object.entries(files)
          .filter(([name]) => name !== 'manifest.json')
          .map(([name, content]) => [name, content.replaceAll(/\.zone:\d+/gu, '.zone').replaceAll(/sources [0-9a-f]+/gu, '')]),
      );
    writeFileSync(join(path, 'a.zone'), blocks.join('\n'));
    expect(compileTo(join(path, 'out-a'), join(path, 'a.zone')).status).toBe(0);
    writeFileSync(join(path, 'a.zone'), blocks.toReversed().join('\n'));
    expect(compileTo(join(path, 'out-b'), join(path, 'a.zone')).status).toBe(0);
    expect(strip(contents(join(path, 'out-b')))).toEqual(strip(contents(join(path, 'out-a'))));
  });

  it('is not touched by wrong input, a finding or a gap', () => {
    const path = folder();
    const out = join(path, 'out');
    expect(compileTo(out).status).toBe(0);
    const before = contents(path);
    const base = readFileSync(pressShop, 'utf8').replace('include "suppliers.zone"', '');
    for (const [extra, status] of [
      ['zone', 2],
      ['flow x { from historian to nobody allow ssh }', 2],
      ['flow x { from historian to plcs allow iec104 write }', 3],
      ['assert x { never dmz -> press }', 1],
    ] as const) {
      writeFileSync(join(path, 'bad.zone'), `${base}\n${extra}\n`);
      expect(compileTo(out, join(path, 'bad.zone')).status).toBe(status);
      expect({ ...contents(path), 'bad.zone': undefined }).toEqual({ ...before, 'bad.zone': undefined });
    }
  });

  it('is refused if it is not ours, or if something else was put into it', () => {
    const path = folder();
    const out = join(path, 'out');
    mkdirSync(out);
    writeFileSync(join(out, 'letters.txt'), 'mine');
    const refused = compileTo(out);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('ZW6006');
    expect(contents(out)).toEqual({ 'letters.txt': 'mine' });

    const ours = join(path, 'ours');
    expect(compileTo(ours).status).toBe(0);
    writeFileSync(join(ours, 'gw12', 'notes.txt'), 'mine');
    expect(compileTo(ours).status).toBe(2);
    expect(readFileSync(join(ours, 'gw12', 'notes.txt'), 'utf8')).toBe('mine');

    writeFileSync(join(path, 'file'), 'mine');
    expect(compileTo(join(path, 'file')).status).toBe(2);
    expect(compileTo(join(path, 'file', 'below')).status).toBe(2);
    expect(readFileSync(join(path, 'file'), 'utf8')).toBe('mine');
  });

  it('is not led astray by a manifest that names files outside', () => {
    const path = folder();
    const out = join(path, 'out');
    writeFileSync(join(path, 'victim'), 'mine');
    expect(compileTo(out, waterWorks).status).toBe(0);
    const manifest = readFileSync(join(out, 'manifest.json'), 'utf8').replaceAll('"ruleset.nft"', '"../../victim"');
    writeFileSync(join(out, 'manifest.json'), manifest);
    expect(compileTo(out, waterWorks, ['--gateway', 'gw_centre']).status).toBe(2);
    expect(readFileSync(join(path, 'victim'), 'utf8')).toBe('mine');
  });

  it('keeps other gateways only if they come from the same sources and day', () => {
    const path = folder();
    const out = join(path, 'out');
    expect(compileTo(out, waterWorks).status).toBe(0);
    const whole = contents(out);
    expect(compileTo(out, waterWorks, ['--gateway', 'gw_centre']).status).toBe(0);
    expect(contents(out)).toEqual(whole);
    const stale = zonewright(['compile', waterWorks, '-o', out, '--date', '2026-11-23', '--gateway', 'gw_centre']);
    expect(stale.status).toBe(2);
    expect(stale.stderr).toContain('ZW6010');
    expect(contents(out)).toEqual(whole);
    writeFileSync(join(out, 'gw_pump_1', 'ruleset.nft'), 'edited');
    expect(compileTo(out, waterWorks, ['--gateway', 'gw_centre']).stderr).toContain('was edited');
  });

  it('is put back if a compile was killed between its two renames', () => {
    const path = folder();
    const out = join(path, 'out');
    expect(compileTo(out).status).toBe(0);
    const before = contents(out);
    renameSync(out, join(path, '.out.zonewright-old'));
    // Even a run that fails afterwards finds and restores it.
    writeFileSync(join(path, 'notes'), '');
    expect(compileTo(out).status).toBe(0);
    expect(contents(out)).toEqual(before);
    expect(readdirSync(path).sort()).toEqual(['notes', 'out']);
  });

  it('sweeps away what killed compiles left beside it, and nothing else', () => {
    const path = folder();
    const out = join(path, 'out');
    const left = ['new-999999999', 'lock-999999999', 'lock-999999999-stale'].map((suffix) => `.out.zonewright-${suffix}`);
    const kept = [`.out.zonewright-lock-${process.pid}`, '.out.zonewright-lock-notes', '.other.zonewright-lock-999999999'];
    for (const name of [...left, ...kept]) writeFileSync(join(path, name), '');
    expect(compileTo(out).status).toBe(0);
    expect(readdirSync(path).sort()).toEqual([...kept, 'out'].sort());
  });

  it('follows a link to the folder and leaves the link', () => {
    const path = folder();
    mkdirSync(join(path, 'real'));
    symlinkSync('real', join(path, 'link'));
    expect(compileTo(join(path, 'link')).status).toBe(0);
    expect(incomplete(join(path, 'real'))).toBeUndefined();
  });

  it('is complete when several compiles race for it, a stale lock included', async () => {
    const path = folder();
    const out = join(path, 'out');
    const rounds = Number(process.env['ZW_RACES'] ?? 2);
    for (let round = 0; round < rounds; round++) {
      writeFileSync(join(path, '.out.zonewright-lock'), round % 2 === 0 ? '999999999' : '');
      const statuses = await Promise.all(
        [waterWorks, pressShop, waterWorks].map(
          (file) =>
            new Promise<number | null>((resolve) => {
              spawn(process.execPath, [main, 'compile', file, '-o', out, '--date', day], { stdio: 'ignore' }).on('exit', resolve);
            }),
        ),
      );
      expect(statuses.filter((status) => status === 0).length).toBeGreaterThan(0);
      expect(incomplete(out)).toBeUndefined();
      expect(readdirSync(path)).toEqual(['out']);
    }
  }, 120_000);

  it('is old, new or put aside after a kill at any moment, never a mixture', async () => {
    const path = folder();
    const out = join(path, 'out');
    expect(compileTo(out, pressShop).status).toBe(0);
    let landed = 0;
    let interrupted = 0;
    let writing = 0;
    const runs = Number(process.env['ZW_KILLS'] ?? 16);
    for (let run = 0; run < runs; run++) {
      const file = run % 2 === 0 ? waterWorks : pressShop;
      // One of four anywhere; the others from when something of ours first lies beside the folder: there the files are written, in some 10 ms.
      const wait = run % 4 === 0 ? 80 + Math.random() * 600 : Math.random() ** 2 * 20;
      await new Promise<void>((resolve) => {
        const child = spawn(process.execPath, [main, 'compile', file, '-o', out, '--date', day], { stdio: 'ignore' });
        const kill = (): boolean => child.kill('SIGKILL');
        let timer = run % 4 === 0 ? setTimeout(kill, wait) : undefined;
        const watcher = watch(path, () => {
          if (run % 4 !== 0) timer ??= setTimeout(kill, wait);
        });
        child.on('exit', (_, signal) => {
          clearTimeout(timer);
          watcher.close();
          if (signal === 'SIGKILL' && run % 4 !== 0) writing++;
          if (signal === 'SIGKILL') interrupted++;
          else landed++;
          resolve();
        });
      });
      const aside = join(path, '.out.zonewright-old');
      const now = existsSync(out) ? out : aside;
      expect(incomplete(now), `after a kill at ${wait} ms`).toBeUndefined();
    }
    expect(interrupted).toBeGreaterThan(writing);
    expect(writing).toBeGreaterThan(0);
    console.log(`killed ${interrupted} of ${runs} compiles, ${writing} while they wrote, ${landed} came through`);
    expect(compileTo(out, pressShop).status).toBe(0);
    expect(incomplete(out)).toBeUndefined();
    expect(readdirSync(path)).toEqual(['out']);
  }, 300_000);
});
