/** ZW3xxx: lints. The policy makes sense, but probably not the sense that was meant. */
import { row } from '../diagnostic.ts';

export const lintCodes = {
  noManage: row<{ gateway: string }>(
    'ZW3001',
    'no-manage',
    'warning',
    'finding',
    (a) => `gateway \`${a.gateway}\` has no \`manage\` line: nobody can reach it over the network`,
  ),
  sharedInterface: row<{ interface: string; zones: string }>(
    'ZW3002',
    'shared-interface',
    'warning',
    'finding',
    (a) => `interface \`${a.interface}\` faces several zones, which reach each other freely: ${a.zones}`,
  ),
  unfacedZone: row<{ zone: string }>('ZW3003', 'unfaced-zone', 'warning', 'finding', (a) => `no gateway faces zone \`${a.zone}\``),
  opensNothing: row<{ flow: string; why: string }>('ZW3004', 'opens-nothing', 'warning', 'finding', (a) => `flow \`${a.flow}\` opens nothing: ${a.why}`),
  expired: row<{ flow: string; date: string }>('ZW3005', 'expired', 'warning', 'finding', (a) => `flow \`${a.flow}\` expired on ${a.date} and is not emitted`),
  partlyJoined: row<{ flow: string; pairs: string }>(
    'ZW3006',
    'partly-joined',
    'warning',
    'finding',
    (a) => `flow \`${a.flow}\` runs between zones that no gateway joins: ${a.pairs}`,
  ),
  essentialExpires: row<{ flow: string; date: string }>(
    'ZW3007',
    'essential-expires',
    'warning',
    'finding',
    (a) => `essential flow \`${a.flow}\` expires on ${a.date}`,
  ),
  essentialExpiresSoon: row<{ flow: string; date: string; days: string }>(
    'ZW3008',
    'essential-expires-soon',
    'warning',
    'finding',
    (a) => `essential flow \`${a.flow}\` stops in ${a.days}: it expires on ${a.date}`,
  ),
  covered: row<{ flow: string; by: string }>('ZW3009', 'covered', 'warning', 'finding', (a) => `flow \`${a.flow}\` adds nothing: ${a.by}`),
  whollyDenied: row<{ flow: string; by: string }>(
    'ZW3010',
    'wholly-denied',
    'warning',
    'finding',
    (a) => `flow \`${a.flow}\` opens nothing: all of it is denied by ${a.by}`,
  ),
  deniesNothing: row<{ flow: string }>('ZW3011', 'denies-nothing', 'warning', 'finding', (a) => `flow \`${a.flow}\` denies nothing that any flow allows`),
  unused: row<{ kind: string; name: string }>('ZW3012', 'unused', 'warning', 'finding', (a) => `nothing in the policy names ${a.kind} \`${a.name}\``),
  sameRevision: row<{ revision: string }>(
    'ZW3013',
    'same-revision',
    'warning',
    'finding',
    (a) => `the meaning changed, but the revision is still ${a.revision}`,
  ),
  hostUnreachable: row<{ host: string; address: string; what: string; gateway: string }>(
    'ZW3014',
    'host-unreachable',
    'warning',
    'finding',
    (a) => `host \`${a.host}\` has ${a.address}, the ${a.what} of a network of \`${a.gateway}\`: nothing reaches it`,
  ),
} as const;
