/**
 * Functions of EtherNet/IP, of CIP inside it, and of PCCC inside CIP.
 *
 * The one idea: an envelope has no class, since its function is that of the message inside. Opening a connection is no session message
 * of CIP, because the same request opens I/O connections; who needs it names it: `cip { read, forward-open, forward-close }`.
 */
import { container, functionsOf, layer, outside } from '../function.ts';

export const enip = functionsOf('enip', {}, [
  layer(
    { name: 'command', by: 'function', source: 'tshark 4.0.17 -G values: enip.command' },
    {
      session: [
        ['0x0000', 'nop'],
        ['0x0004', 'list-services'],
        ['0x0065', 'register-session'],
        ['0x0066', 'unregister-session'],
      ],
      diagnostics: [
        ['0x0063', 'list-identity'],
        ['0x0064', 'list-interfaces'],
      ],
    },
    [
      container('an envelope: its function is that of the message inside', [
        ['0x006f', 'send-rr-data'],
        ['0x0070', 'send-unit-data'],
      ]),
      outside('what follows it is encrypted, functions and all', [['0x00c8', 'start-dtls']]),
    ],
  ),
]);

export const cip = functionsOf('cip', { carrier: 'enip' }, [
  layer(
    { name: 'service', by: 'function', source: 'tshark 4.0.17 -G values: cip.sc' },
    {
      read: [
        ['0x01', 'get-attributes-all'],
        ['0x03', 'get-attribute-list'],
        ['0x0e', 'get-attribute-single'],
        ['0x11', 'find-next-object-instance'],
        ['0x18', 'get-member'],
      ],
      diagnostics: [['0x17', 'cip-nop']],
      write: [
        ['0x02', 'set-attributes-all'],
        ['0x04', 'set-attribute-list'],
        ['0x0d', 'apply-attributes'],
        ['0x10', 'set-attribute-single'],
        ['0x19', 'set-member'],
        ['0x1a', 'insert-member'],
        ['0x1b', 'remove-member'],
        ['0x1c', 'group-sync'],
      ],
      control: [
        ['0x05', 'reset'],
        ['0x06', 'start'],
        ['0x07', 'stop'],
      ],
      program: [
        ['0x08', 'create'],
        ['0x09', 'delete'],
        ['0x15', 'restore'],
        ['0x16', 'save'],
      ],
    },
    [container('it carries other requests: what it does is what they do', [['0x0a', 'multiple-service-packet']])],
  ),
  layer(
    { name: 'tag-service', by: 'function', source: 'Rockwell Logix data access', verified: false },
    {
      read: [
        ['0x4c', 'read-tag'],
        ['0x52', 'read-tag-fragmented'],
        ['0x55', 'get-instance-attribute-list'],
      ],
      write: [
        ['0x4d', 'write-tag'],
        ['0x53', 'write-tag-fragmented'],
        ['0x4e', 'read-modify-write-tag'],
      ],
    },
    [container('it carries other requests: what it does is what they do', [['0x4b', 'execute-pccc']])],
  ),
  layer(
    { name: 'connection-manager', by: 'function', source: 'tshark 4.0.17 -G values: cip.cm.sc' },
    {
      diagnostics: [
        ['0x56', 'get-connection-data'],
        ['0x57', 'search-connection-data'],
        ['0x5a', 'get-connection-owner'],
      ],
      control: [
        ['0x54', 'forward-open', { note: 'may open or cut an I/O connection, which owns outputs; explicit messages do without' }],
        ['0x5b', 'large-forward-open', { note: 'may open or cut an I/O connection, which owns outputs; explicit messages do without' }],
        ['0x4e', 'forward-close', { note: 'may open or cut an I/O connection, which owns outputs; explicit messages do without' }],
      ],
    },
    [container('it carries other requests: what it does is what they do', [['0x52', 'unconnected-send']])],
  ),
  layer(
    { name: 'pccc', by: 'name', source: 'tshark 4.0.17 -G values: cip.pccc.fnc.code_0f' },
    {
      read: [
        ['0x01', 'pccc-word-range-read'],
        ['0x04', 'pccc-file-read'],
        ['0x09', 'pccc-physical-read'],
        ['0x17', 'pccc-read-bytes-physical'],
        ['0x29', 'pccc-read-section-size'],
        ['0x68', 'pccc-typed-read'],
        ['0xa1', 'pccc-protected-typed-logical-read-two-fields'],
        ['0xa2', 'pccc-protected-typed-logical-read-three-fields'],
        ['0xa7', 'pccc-protected-typed-file-read'],
      ],
      write: [
        ['0x00', 'pccc-word-range-write'],
        ['0x02', 'pccc-bit-write'],
        ['0x03', 'pccc-file-write'],
        ['0x08', 'pccc-physical-write'],
        ['0x18', 'pccc-write-bytes-physical'],
        ['0x26', 'pccc-read-modify-write'],
        ['0x5e', 'pccc-modify-plc-2-compatibility-file'],
        ['0x67', 'pccc-typed-write'],
        ['0x79', 'pccc-read-modify-write-n'],
        ['0x8f', 'pccc-apply-port-configuration'],
        ['0xa9', 'pccc-protected-typed-logical-write-two-fields'],
        ['0xaa', 'pccc-protected-typed-logical-write-three-fields'],
        ['0xab', 'pccc-protected-typed-logical-masked-write-three-fields'],
        ['0xaf', 'pccc-protected-typed-file-write'],
      ],
      control: [
        ['0x07', 'pccc-shutdown'],
        ['0x0a', 'pccc-restart-request'],
        ['0x3a', 'pccc-set-cpu-mode'],
        ['0x41', 'pccc-disable-forces'],
        ['0x80', 'pccc-change-cpu-mode'],
      ],
      program: [
        ['0x05', 'pccc-download-request'],
        ['0x06', 'pccc-upload'],
        ['0x11', 'pccc-get-edit-resource'],
        ['0x12', 'pccc-return-edit-resource'],
        ['0x50', 'pccc-download-all-request'],
        ['0x52', 'pccc-download-completed'],
        ['0x53', 'pccc-upload-all-request'],
        ['0x55', 'pccc-upload-completed'],
        ['0x57', 'pccc-initialize-memory'],
        ['0x81', 'pccc-open-file'],
        ['0x82', 'pccc-close-file'],
      ],
    },
    [container('it carries other requests: what it does is what they do', [['0x88', 'pccc-execute-multiple-commands']])],
  ),
]);
