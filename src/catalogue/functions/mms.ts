/**
 * Functions of IEC 61850 MMS.
 *
 * Codes are the context tags of confirmed services. A session needs the ISO transport below and `initiate`.
 */
import { functionsOf, layer } from '../function.ts';

export const mms = functionsOf('mms', { carrier: 'cotp' }, [
  layer(
    { name: 'service', by: 'function', source: 'snort3/snort3:src/service_inspectors/mms/ips_mms_func.cc' },
    {
      read: [
        ['1', 'get-name-list'],
        ['4', 'read-variables'],
        ['6', 'get-variable-access-attributes'],
        ['12', 'get-named-variable-list-attributes'],
        ['37', 'get-domain-attributes'],
        ['65', 'read-journal'],
        ['72', 'file-open'],
        ['73', 'file-read'],
        ['74', 'file-close'],
        ['77', 'file-directory'],
      ],
      diagnostics: [
        ['0', 'status'],
        ['2', 'identify'],
        ['71', 'get-capability-list'],
      ],
      write: [
        ['3', 'rename'],
        ['5', 'write-variables'],
        ['7', 'define-named-variable'],
        ['10', 'delete-variable-access'],
        ['11', 'define-named-variable-list'],
        ['13', 'delete-named-variable-list'],
        ['17', 'operator-input'],
        ['18', 'operator-output'],
        ['66', 'write-journal'],
        ['67', 'initialize-journal'],
      ],
      control: [
        ['19', 'take-control'],
        ['20', 'relinquish-control'],
        ['40', 'start'],
        ['41', 'stop'],
        ['42', 'resume'],
        ['43', 'reset'],
        ['44', 'kill'],
      ],
      program: [
        ['26', 'initiate-download-sequence'],
        ['27', 'download-segment'],
        ['28', 'terminate-download-sequence'],
        ['29', 'initiate-upload-sequence'],
        ['30', 'upload-segment'],
        ['31', 'terminate-upload-sequence'],
        ['32', 'request-domain-download'],
        ['33', 'request-domain-upload'],
        ['34', 'load-domain-content'],
        ['35', 'store-domain-content'],
        ['36', 'delete-domain'],
        ['38', 'create-program-invocation'],
        ['39', 'delete-program-invocation'],
        ['46', 'obtain-file'],
        ['75', 'file-rename'],
        ['76', 'file-delete'],
      ],
    },
  ),
  layer(
    { name: 'pdu', by: 'name', source: 'ISO 9506-2, MMSpdu' },
    {
      session: [
        ['8', 'initiate'],
        ['11', 'conclude'],
      ],
    },
  ),
]);
