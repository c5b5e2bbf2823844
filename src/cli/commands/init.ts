/** `zonewright init [DIR]`. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileCodes } from '../../diagnostics/codes/files.ts';
import { diagnostic } from '../../diagnostics/diagnostic.ts';
import { makeFolders } from '../../pipeline/output.ts';
import { reasonOf } from '../../pipeline/load.ts';
import { complain, print } from '../io.ts';

/** A plant that checks and compiles as it stands. The addresses are those of private test networks. */
export const starter = `policy "My plant" {
  revision 1
}

# -- where things are ---------------------------------------------------------
zone office  { level 4    networks 10.10.0.0/16 }
zone dmz     { level 3.5  kind dmz  networks 10.20.0.0/24 }
zone cell    { level 1    networks 192.168.10.0/24 }

host historian in dmz   { address 10.20.0.5   role historian }
host jump      in dmz   { address 10.20.0.7   role jump-host }
host plc       in cell  { address 192.168.10.11  role plc }

# -- what may talk ------------------------------------------------------------
flow poll "Historian polls the controller" {
  from historian
  to plc
  allow modbus
  owner "ot-net"  reason "production counters"
  essential
}
flow admin { from office  to jump  allow ssh  log  owner "ot-net"  reason "administration" }

# -- what enforces it ---------------------------------------------------------
gateway gw1 {
  target nftables
  interface eth0 { faces office  address 10.10.0.1/16 }
  interface eth1 { faces dmz     address 10.20.0.1/24 }
  interface eth2 { faces cell    address 192.168.10.1/24 }
  manage from jump allow ssh { owner "ot-net"  reason "administration" }
}

# -- what must always be true -------------------------------------------------
assert no_it_to_control "the office never reaches a controller" { never level >= 4 -> level <= 2 }
assert plant_runs { always historian -> plc : tcp 502 }

test "what the night shift relies on" {
  allow historian -> plc : modbus
  deny  10.10.3.4 -> plc : tcp 445
}
`;

export async function run(args: readonly string[]): Promise<number> {
  const folder = args[0] ?? '.';
  const path = join(folder, 'plant.zone');
  try {
    makeFolders(resolve(folder));
    writeFileSync(path, starter, { flag: 'wx' });
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    complain([
      diagnostic(
        fileCodes.cannotWrite,
        undefined,
        { path, why: exists ? 'it exists already' : reasonOf(error) },
        { help: [exists ? 'an existing file is never touched; give another folder' : undefined] },
      ),
    ]);
    return Promise.resolve(2);
  }
  print(`wrote ${path}`);
  print(`next: zonewright check ${path}`);
  return Promise.resolve(0);
}
