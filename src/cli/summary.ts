/** What was checked, in a few lines for a person. */
import type { Checked } from '../pipeline/check.ts';

function count(number: number, one: string, several = `${one}s`): string {
  return `${number} ${number === 1 ? one : several}`;
}

export function summary(checked: Checked): string {
  const { model } = checked;
  const lines = [
    `policy "${model.title}"${model.revision === undefined ? '' : `, revision ${model.revision}`}, judged for ${checked.date}`,
    `${count(model.zones.length, 'zone')}, ${count(model.hosts.length, 'host')}, ${count(model.flows.length, 'flow')}, ${count(model.gateways.length, 'gateway')}`,
  ];
  for (const assert of checked.asserts) {
    const shown = assert.over.slice(0, 3).join(', ') + (assert.over.length > 3 ? ` and ${assert.over.length - 3} more` : '');
    const leftOut =
      assert.leftOut.length > 0 ? `; left out, since hosts of one zone talk freely: ${assert.leftOut.map((pair) => pair.split(' ')[0] ?? '').join(', ')}` : '';
    lines.push(
      `assert ${assert.name}: ${assert.status}${assert.over.length > 0 ? ` over ${count(assert.over.length, 'pair')} of zones (${shown})` : ''}${leftOut}`,
    );
  }
  if (checked.tests.length > 0) {
    const failed = checked.tests.filter((test) => !test.passed).length;
    const unseen = checked.tests.filter((test) => test.passed && !test.enforced).length;
    lines.push(
      `${count(checked.tests.length, 'test line')}: ${failed === 0 ? 'all hold' : `${failed} failed`}${unseen > 0 ? `, ${unseen} of them seen by no gateway` : ''}`,
    );
  }
  return lines.join('\n');
}
