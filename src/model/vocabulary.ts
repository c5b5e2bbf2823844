/** The closed lists of words that a policy may extend: traits and roles of hosts. */

export const builtInTraits = [
  'legacy',
  'unpatched',
  'unsupported-os',
  'safety-critical',
  'no-authentication',
  'default-credentials',
  'vendor-managed',
  'portable',
  'wireless',
  'remote-access',
] as const;

export const builtInRoles = [
  'jump-host',
  'historian',
  'hmi',
  'plc',
  'rtu',
  'ied',
  'drive',
  'robot',
  'sensor-gateway',
  'safety-controller',
  'scada-server',
  'mes',
  'engineering-station',
  'operator-station',
  'time-server',
  'log-collector',
  'domain-controller',
  'dns-server',
  'patch-server',
  'backup-server',
  'file-server',
  'remote-access-server',
  'data-diode',
  'printer',
] as const;

/** Purdue levels (ISA-95; 3.5 is the industrial DMZ). */
export const purdueLevels = [0, 1, 2, 3, 3.5, 4, 5] as const;
