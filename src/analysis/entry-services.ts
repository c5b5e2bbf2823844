/**
 * Services by which a host can be entered, so that the next conversation can start there: data for paths, `only via`
 * and hops.
 *
 * A row is here if whoever may use the service can make the host run something of theirs, or change what it runs.
 * `ease` orders rows by how little an attacker needs (3: no secret at all, 2: one that is often guessed, stolen or
 * shared, 1: keys or strong logins are usual); it only chooses which link of a chain is called the weakest.
 */
import { catalogue } from '../catalogue/catalogue.ts';
import type { Model } from '../model/model.ts';
import { classMessages } from '../model/functions.ts';
import { intersectServices, noServices, portServices, type ServiceSet, unionServices } from '../packets/service-set.ts';
import { canonical } from '../net/ranges.ts';

export interface EntryService {
  /** A name of the catalogue. */
  readonly protocol: string;
  readonly by: 'remote shell' | 'remote desktop' | 'file share' | 'remote execution' | 'controller program';
  readonly ease: 1 | 2 | 3;
  readonly why: string;
}

const general: readonly EntryService[] = [
  { protocol: 'ssh', by: 'remote shell', ease: 1, why: 'a shell for whoever has a key or password' },
  { protocol: 'telnet', by: 'remote shell', ease: 3, why: 'a shell whose passwords cross the network in the clear' },
  { protocol: 'rdp', by: 'remote desktop', ease: 2, why: 'a desktop behind a password' },
  { protocol: 'vnc', by: 'remote desktop', ease: 3, why: 'a desktop behind a short shared password, often none' },
  { protocol: 'smb', by: 'file share', ease: 2, why: 'files and remote services; the path of ransomware' },
  { protocol: 'netbios', by: 'file share', ease: 2, why: 'files and remote services over the older transport' },
  { protocol: 'ftp', by: 'file share', ease: 3, why: 'files, with passwords in the clear' },
  { protocol: 'tftp', by: 'file share', ease: 3, why: 'firmware and configuration without a password' },
  { protocol: 'winrm', by: 'remote execution', ease: 2, why: 'commands for whoever has a password' },
  { protocol: 'msrpc', by: 'remote execution', ease: 2, why: 'services and tasks of a Windows host can be changed' },
  { protocol: 'opc-classic', by: 'remote execution', ease: 2, why: 'DCOM starts programs' },
];

/** Protocols that exist to program controllers, though the catalogue tells no classes of their functions apart. */
const programming: readonly string[] = [
  's7comm-plus',
  'rockwell-csp',
  'melsoft',
  'ge-srtp',
  'crimson',
  'codesys-v3',
  'codesys-gateway',
  'codesys-v2',
  'pcworx',
  'proconos',
  'ls-fenet',
  'koyo-ecom',
  'keyence-kv',
  'mewtocol',
  'pcom',
  'ads-secure',
  'fox',
  'foxs',
];

const controllers: readonly EntryService[] = [
  ...[...catalogue.values()].filter((protocol) => protocol.functions.includes('program')).map((protocol) => protocol.name),
  ...programming,
].map((protocol) => ({ protocol, by: 'controller program', ease: 3, why: 'its programming functions change what the controller runs' }));

/** Every row, by name of protocol. */
export const entryServices: readonly EntryService[] = [...general, ...controllers]
  .filter((row, index, all) => all.findIndex((other) => other.protocol === row.protocol) === index)
  .toSorted((a, b) => (a.protocol < b.protocol ? -1 : 1));

/**
 * The messages that enter: on the standard ports, and on those on which the policy says that the protocol is spoken; of
 * protocols with classes only those that program.
 */
export function entryMessages(row: EntryService, model: Model): ServiceSet {
  const protocol = catalogue.get(row.protocol);
  if (protocol === undefined) throw new Error(`no protocol ${row.protocol}`);
  const ports = unionServices(
    model.sitePorts.get(row.protocol) ?? noServices,
    ...(['tcp', 'udp'] as const).map((transport) =>
      portServices(transport, canonical(protocol.transports.filter((one) => one.protocol === transport).map(({ first, last }) => ({ first, last })))),
    ),
  );
  if (!protocol.functions.includes('program')) return ports;
  const functions = classMessages(row.protocol, 'program');
  const every = (transport: 'tcp' | 'udp'): ServiceSet => portServices(transport, [{ first: 0, last: 0xffff }], functions);
  return intersectServices(ports, unionServices(every('tcp'), every('udp')));
}

export function allEntryMessages(model: Model): ServiceSet {
  return unionServices(...entryServices.map((row) => entryMessages(row, model)));
}
