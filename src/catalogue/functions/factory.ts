/**
 * Functions of FINS and SLMP.
 *
 * FINS over TCP begins with an exchange of node addresses; over UDP, and in SLMP, there is no session.
 */
import { container, functionsOf, layer } from '../function.ts';

export const fins = functionsOf('fins', {}, [
  layer(
    { name: 'command', by: 'function', source: 'tshark 4.0.17 -G values: omron.command' },
    {
      read: [
        ['0x0101', 'memory-area-read'],
        ['0x0104', 'multiple-memory-area-read'],
        ['0x0201', 'parameter-area-read'],
        ['0x0220', 'data-link-table-read'],
        ['0x0501', 'controller-data-read'],
        ['0x0502', 'connection-data-read'],
        ['0x0601', 'controller-status-read'],
        ['0x0602', 'network-status-read'],
        ['0x0603', 'data-link-status-read'],
        ['0x0620', 'cycle-time-read'],
        ['0x0701', 'clock-read'],
        ['0x2102', 'error-log-read'],
        ['0x2201', 'file-name-read'],
        ['0x2202', 'single-file-read'],
        ['0x220f', 'file-memory-index-read'],
        ['0x2210', 'file-memory-read'],
        ['0x230a', 'multiple-forced-status-read'],
        ['0x2603', 'name-read'],
      ],
      diagnostics: [
        ['0x0801', 'loop-back-test'],
        ['0x0802', 'broadcast-test-results-read'],
        ['0x0803', 'broadcast-test-data-send'],
        ['0x0920', 'message-read-or-clear'],
        ['0x2209', 'file-data-check'],
      ],
      write: [
        ['0x0102', 'memory-area-write'],
        ['0x0103', 'memory-area-fill'],
        ['0x0105', 'memory-area-transfer'],
        ['0x0202', 'parameter-area-write'],
        ['0x0203', 'parameter-area-clear'],
        ['0x0221', 'data-link-table-write'],
        ['0x0702', 'clock-write'],
        ['0x2203', 'single-file-write'],
        ['0x2211', 'file-memory-write'],
        ['0x2601', 'name-set'],
        ['0x2602', 'name-delete'],
      ],
      control: [
        ['0x0401', 'run'],
        ['0x0402', 'stop'],
        ['0x0403', 'reset'],
        ['0x0c01', 'access-right-acquire'],
        ['0x0c02', 'access-right-forced-acquire'],
        ['0x0c03', 'access-right-release'],
        ['0x2101', 'error-clear'],
        ['0x2103', 'error-log-clear'],
        ['0x2301', 'forced-set-reset'],
        ['0x2302', 'forced-set-reset-cancel'],
      ],
      program: [
        ['0x0304', 'program-area-protect'],
        ['0x0305', 'program-area-protect-clear'],
        ['0x0306', 'program-area-read'],
        ['0x0307', 'program-area-write'],
        ['0x0308', 'program-area-clear'],
        ['0x2204', 'memory-card-format'],
        ['0x2205', 'file-delete'],
        ['0x2206', 'volume-label'],
        ['0x2207', 'file-copy'],
        ['0x2208', 'file-name-change'],
        ['0x220a', 'memory-area-file-transfer'],
        ['0x220b', 'parameter-area-file-transfer'],
        ['0x220c', 'program-area-file-transfer'],
      ],
    },
  ),
  layer(
    { name: 'tcp', by: 'name', source: 'ClientAddressFrame of public FINS/TCP clients', on: 'tcp' },
    {
      session: [['0', 'node-address']],
    },
    [container('an envelope: its function is that of the command inside', [['2', 'frame']])],
  ),
]);

export const slmp = functionsOf('slmp', {}, [
  layer(
    { name: 'command', by: 'function', source: 'SLMPCommand of public SLMP clients; R08ENCPU manual, page 30' },
    {
      read: [
        ['0x0401', 'device-read'],
        ['0x0403', 'device-read-random'],
        ['0x0406', 'device-read-block'],
        ['0x0801', 'entry-monitor-device'],
        ['0x0802', 'execute-monitor'],
        ['0x041a', 'array-label-read'],
        ['0x041c', 'label-read-random'],
        ['0x0613', 'memory-read'],
        ['0x0601', 'extend-unit-read'],
      ],
      diagnostics: [
        ['0x0101', 'read-type-name'],
        ['0x0619', 'self-test'],
        ['0x1617', 'clear-error'],
        ['0x2101', 'on-demand'],
      ],
      write: [
        ['0x1401', 'device-write'],
        ['0x1402', 'device-write-random'],
        ['0x1406', 'device-write-block'],
        ['0x141a', 'array-label-write'],
        ['0x141b', 'label-write-random'],
        ['0x1613', 'memory-write'],
        ['0x1601', 'extend-unit-write'],
      ],
      control: [
        ['0x1001', 'remote-run'],
        ['0x1002', 'remote-stop'],
        ['0x1003', 'remote-pause'],
        ['0x1005', 'remote-latch-clear'],
        ['0x1006', 'remote-reset'],
        ['0x1630', 'remote-password-unlock'],
        ['0x1631', 'remote-password-lock'],
      ],
      program: [
        ['0x1810', 'file-read-directory'],
        ['0x1811', 'file-search-directory'],
        ['0x1820', 'file-new'],
        ['0x1822', 'file-delete'],
        ['0x1824', 'file-copy'],
        ['0x1825', 'file-change-state'],
        ['0x1826', 'file-change-date'],
        ['0x1827', 'file-open'],
        ['0x1828', 'file-read'],
        ['0x1829', 'file-write'],
        ['0x182a', 'file-close'],
      ],
    },
  ),
]);
