/** What was checked, in a few lines for a person. */
import type { AssertResult } from '../analysis/asserts/proof.ts';
import type { Checked } from '../pipeline/check.ts';

function count(number: number, one: string, several = `${one}s`): string {
  return `${number} ${number === 1 ? one : several}`;
}

/** The status, what was quantified over, what was left out and what it rests on, in one line. */
function assertLine(assert: AssertResult): string {
  const shown = assert.over.slice(0, 3).join(', ') + (assert.over.length > 3 ? ` and ${assert.over.length - 3} more` : '');
  const what = assert.kind === 'every-flow' ? count(assert.over.length, 'flow') : count(assert.over.length, 'pair of zones', 'pairs of zones');
  const over = assert.over.length > 0 ? ` over ${what} (${shown})` : '';
  const leftOut =
    assert.leftOut.length > 0 ? `; left out, since hosts of one zone talk freely: ${assert.leftOut.map((pair) => pair.split(' ')[0] ?? '').join(', ')}` : '';
  const unseen =
    assert.status === 'proved' && assert.notEnforceable.length > 0 ? `; not enforced, as agreed: ${count(assert.notEnforceable.length, 'pair')}` : '';
  const grades = Object.entries(assert.grades).map(([gateway, grade]) => `${grade} on ${gateway}`);
  return `assert ${assert.name}: ${assert.status}${over}${leftOut}${unseen}${grades.length > 0 ? `; rests on grade ${grades.join(', ')}` : ''}`;
}

export function summary(checked: Checked): string {
  const { model } = checked;
  const lines = [
    `policy "${model.title}"${model.revision === undefined ? '' : `, revision ${model.revision}`}, judged for ${checked.date}`,
    `${count(model.zones.length, 'zone')}, ${count(model.hosts.length, 'host')}, ${count(model.flows.length, 'flow')}, ${count(model.gateways.length, 'gateway')}`,
  ];
  for (const assert of checked.asserts) lines.push(assertLine(assert));
  if (checked.tests.length > 0) {
    const failed = checked.tests.filter((test) => !test.passed).length;
    const unseen = checked.tests.filter((test) => test.passed && !test.enforced).length;
    lines.push(
      `${count(checked.tests.length, 'test line')}: ${failed === 0 ? 'all hold' : `${failed} failed`}${unseen > 0 ? `, ${unseen} of them seen by no gateway` : ''}`,
    );
  }
  return lines.join('\n');
}
