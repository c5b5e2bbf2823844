/** `zonewright compile`. */
import { capabilitiesByName, targets } from '../../../targets/index.ts';
import { exitStatus } from '../../pipeline/check.ts';
import { compile } from '../../pipeline/compile.ts';
import { planLines } from '../../target/plan-row.ts';
import { complain, dateOf, formatOf, print, printJson, progressOn, withPlaces } from '../io.ts';
import { summary } from '../summary.ts';

/** What no proof covers on a platform that passes known conversations by itself. */
const keptWords =
  'its platform keeps conversations: loading this file does not cut one that the policy no longer allows, and a packet forged into one passes from any side';

export async function run(args: readonly string[], options: Record<string, unknown>): Promise<number> {
  const format = formatOf(options['format'] as string | undefined);
  const output = options['output'] as string;
  const compiled = await compile(args[0] ?? '', {
    date: dateOf(options['date'] as string | undefined),
    targets: capabilitiesByName,
    output,
    gateways: options['gateway'] as string[] | undefined,
    acceptLoss: options['acceptLoss'] as string[] | undefined,
    progress: progressOn(process.stderr),
    loadTarget: async (name) => {
      const row = targets.find((one) => one.capabilities.name === name);
      if (row === undefined) throw new Error(`no target ${name}`);
      return row.load();
    },
  });
  const { checked, manifest } = compiled;
  const { sources } = checked.loaded;
  const status = exitStatus(compiled.diagnostics);
  if (format === 'json') {
    printJson(
      'compile',
      {
        date: checked.date,
        exitStatus: status,
        output,
        manifest: manifest ?? null,
        asserts: withPlaces(checked.asserts, sources),
        tests: withPlaces(checked.tests, sources),
        ...(options['explainPlan'] === true ? { plan: Object.fromEntries(compiled.plans) } : {}),
      },
      compiled.diagnostics,
      checked.loaded.sources,
    );
    return status;
  }
  complain(compiled.diagnostics, checked.loaded.sources);
  if (manifest === undefined) {
    process.stderr.write('nothing was written\n');
    return status;
  }
  print(summary(checked));
  for (const [name, gateway] of Object.entries(manifest.gateways)) {
    for (const file of gateway.files)
      print(
        `${output}/${name}/${file.name}: ${file.bytes} bytes, ${'loader' in file ? `${file.name.startsWith('check') ? 'checks' : 'loads'} the files beside it` : 'read back and proved equal to the policy'}`,
      );
    const plan = compiled.plans.get(name);
    if (options['explainPlan'] === true && plan !== undefined) for (const line of planLines(plan)) print(line);
    if (gateway.conversations === 'kept') print(`  ${keptWords}`);
    const widened = gateway.flows.filter((flow) => flow.widened);
    if (widened.length > 0)
      print(`  enforced weaker than written, as accepted: ${widened.map((flow) => `${flow.name} (${flow.grade ?? 'ports'})`).join(', ')}`);
  }
  print(
    'the proof covers every IP packet that reaches the input, forward or output hook of these gateways; it does not cover logs and counters, other tables on the box, what talks without a gateway in between, or layer 2',
  );
  return status;
}
