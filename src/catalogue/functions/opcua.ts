/**
 * Functions of OPC UA Binary.
 *
 * Codes are the node ids of service requests. Subscriptions are reading: they change what the server sends, not what the plant does.
 */
import { container, functionsOf, layer, outside } from '../function.ts';

export const opcua = functionsOf('opcua', {}, [
  layer(
    { name: 'service', by: 'function', source: 'tshark 4.0.17 -G values: opcua.servicenodeid.numeric' },
    {
      session: [
        ['428', 'get-endpoints'],
        ['446, OPN', 'open-secure-channel'],
        ['452, CLO', 'close-secure-channel'],
        ['461', 'create-session'],
        ['467', 'activate-session'],
        ['473', 'close-session'],
      ],
      read: [
        ['527', 'browse'],
        ['533', 'browse-next'],
        ['554', 'translate-browse-paths-to-node-ids'],
        ['560', 'register-nodes'],
        ['566', 'unregister-nodes'],
        ['615', 'query-first'],
        ['621', 'query-next'],
        ['631', 'read-values', { also: 'ReadRequest' }],
        ['664', 'history-read'],
        ['751', 'create-monitored-items'],
        ['763', 'modify-monitored-items'],
        ['769', 'set-monitoring-mode'],
        ['775', 'set-triggering'],
        ['781', 'delete-monitored-items'],
        ['787', 'create-subscription'],
        ['793', 'modify-subscription'],
        ['799', 'set-publishing-mode'],
        ['826', 'publish'],
        ['832', 'republish'],
        ['841', 'transfer-subscriptions'],
        ['847', 'delete-subscriptions'],
      ],
      diagnostics: [
        ['410', 'test-stack'],
        ['416', 'test-stack-ex'],
        ['422', 'find-servers'],
        ['12208', 'find-servers-on-network'],
      ],
      write: [
        ['437', 'register-server'],
        ['673', 'write-values', { also: 'WriteRequest' }],
        ['700', 'history-update'],
        ['12211', 'register-server2'],
      ],
      control: [['712', 'call-method', { also: 'CallRequest' }]],
      program: [
        ['488', 'add-nodes'],
        ['494', 'add-references'],
        ['500', 'delete-nodes'],
        ['506', 'delete-references'],
      ],
    },
    [
      outside('an answer: it counts as its request', [['397', 'service-fault']]),
      outside('takes back calls of the client itself; no conversation needs it', [['479', 'cancel']]),
    ],
  ),
  layer(
    { name: 'message', by: 'name', source: 'ntop/nDPI:src/lib/protocols/opc-ua.c' },
    {
      session: [
        ['HEL', 'hello'],
        ['RHE', 'reverse-hello', { note: 'the first message where the server dials' }],
      ],
    },
    [
      outside('an answer: it counts as its request', [
        ['ACK', 'acknowledge'],
        ['ERR', 'error'],
      ]),
      container('an envelope: its function is that of the service inside', [['MSG', 'message']]),
    ],
  ),
]);
