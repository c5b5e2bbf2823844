/** ZW6xxx: files and options. */
import { row } from '../diagnostic.ts';

export const fileCodes = {
  unreadable: row<{ path: string; why: string }>('ZW6001', 'unreadable', 'error', 'input', (a) => `cannot read \`${a.path}\`: ${a.why}`),
  includeCycle: row<{ path: string }>('ZW6002', 'include-cycle', 'error', 'input', (a) => `\`${a.path}\` includes itself`),
  includeOutside: row<{ path: string }>('ZW6003', 'include-absolute', 'error', 'input', (a) => `include \`${a.path}\` is not a relative path`),
  tooDeep: row<{ path: string }>('ZW6004', 'include-too-deep', 'error', 'input', (a) => `include \`${a.path}\` is nested too deeply`),
  notUtf8: row<{ path: string }>('ZW6005', 'not-utf8', 'error', 'input', (a) => `\`${a.path}\` is not UTF-8 text`),
  foreignFolder: row<{ path: string }>('ZW6006', 'foreign-folder', 'error', 'input', (a) => `the folder \`${a.path}\` was not made by zonewright`),
  cannotWrite: row<{ path: string; why: string }>('ZW6007', 'cannot-write', 'error', 'input', (a) => `cannot write \`${a.path}\`: ${a.why}`),
  badOption: row<{ option: string; why: string }>('ZW6008', 'bad-option', 'error', 'input', (a) => `option \`${a.option}\`: ${a.why}`),
  unknownGateway: row<{ name: string }>('ZW6009', 'unknown-gateway', 'error', 'input', (a) => `no gateway is called \`${a.name}\``),
  staleOutput: row<{ path: string; why: string }>(
    'ZW6010',
    'stale-output',
    'error',
    'input',
    (a) => `\`${a.path}\` holds other gateways of another compile: ${a.why}`,
  ),
  busy: row<{ path: string }>('ZW6011', 'busy', 'error', 'input', (a) => `another compile is writing \`${a.path}\``),
  badRevision: row<{ text: string; why: string }>('ZW6012', 'bad-revision', 'error', 'input', (a) => `cannot read \`${a.text}\`: ${a.why}`),
  noRoot: row<{ path: string; why: string }>('ZW6013', 'no-root-file', 'error', 'input', (a) => `cannot tell which file of \`${a.path}\` to read: ${a.why}`),
  acceptedNothing: row<{ name: string }>(
    'ZW6014',
    'accepted-nothing',
    'warning',
    'input',
    (a) => `\`--accept-loss ${a.name}\` accepts nothing: no essential flow of that name is lost`,
  ),
  unknownEssential: row<{ path: string }>(
    'ZW6015',
    'unknown-essential',
    'error',
    'input',
    (a) => `cannot tell which flows were essential when \`${a.path}\` was written`,
  ),
  unreadableDump: row<{ path: string; why: string }>(
    'ZW6016',
    'unreadable-dump',
    'error',
    'input',
    (a) => `cannot take \`${a.path}\` for what the gateway runs: ${a.why}`,
  ),
  otherGateway: row<{ path: string; found: string; gateway: string }>(
    'ZW6017',
    'other-gateway',
    'error',
    'input',
    (a) => `\`${a.path}\` was taken from gateway \`${a.found}\`, not from \`${a.gateway}\``,
  ),
} as const;
