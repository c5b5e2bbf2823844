#!/usr/bin/env node
/**
 * The command line. Each command is a file of its own that is loaded only when it runs, so `--version` and `--help` stay
 * quick.
 *
 * Exit status: 0 good, 1 the policy has findings, 2 the input is wrong, 3 a target cannot express the policy, 4 a proof
 * failed or zonewright did.
 */
import { Command, CommanderError } from 'commander';
import { version } from '../base/version.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';

type Options = Record<string, string | boolean | string[] | undefined>;
type Run = (args: readonly string[], options: Options) => Promise<number>;

const many = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

function program(done: (status: number) => void): Command {
  const root = new Command('zonewright')
    .description('Compiles one readable zone file into firewall configurations that are proved equal to it.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help; `zonewright help COMMAND` shows more')
    .showHelpAfterError('(zonewright --help shows what there is)')
    .configureOutput({ outputError: (text, write) => write(text) })
    .exitOverride();
  root.addHelpText(
    'after',
    `
Start here:
  zonewright init plant            write a small zone file to begin with
  zonewright check plant/plant.zone
  zonewright compile plant/plant.zone -o out
  zonewright trace plant/plant.zone --from historian --to plc --service "modbus read"

Exit status: 0 good, 1 the policy has findings, 2 the input is wrong,
3 a target cannot express the policy, 4 a proof failed or zonewright did.`,
  );
  const command = (name: string, summary: string, load: () => Promise<{ run: Run }>, more: string): Command =>
    root
      .command(name)
      .description(summary)
      .addHelpText('after', `\n${more}`)
      .exitOverride()
      .action(async (...all: unknown[]) => {
        const self = all.pop() as Command;
        done(await (await load()).run(self.args, self.opts<Options>()));
      });
  const date = ['--date <date>', "the day to judge for, YYYY-MM-DD (default: today in the policy's time zone)"] as const;
  const formats = (names: string) => ['--format <format>', names, 'text'] as const;
  const format = formats('text or json');

  command(
    'check <file>',
    'parse, resolve, lint, prove every assert, run every test',
    () => import('./commands/check.ts'),
    'FILE is a zone file, or - for standard input.',
  )
    .option(...date)
    .option(...formats('text, json, sarif (code scanning), junit (build servers) or github (workflow commands)'));
  command(
    'compile <file>',
    'check, then write the configuration of every gateway, each proved by reading it back',
    () => import('./commands/compile.ts'),
    'Writes DIR/<gateway>/… and DIR/manifest.json, all or nothing; nothing is written unless the exit status is 0.',
  )
    .option('-o, --output <dir>', 'the output folder', 'out')
    .option('--gateway <name>', 'only this gateway (may be repeated); the others keep what an equal compile wrote', many)
    .option('--accept-loss <flow>', 'this essential flow of the earlier output may go (may be repeated)', many)
    .option('--explain-plan', 'print how the lookups of each gateway were planned, and what they cost')
    .option(...date)
    .option(...format);
  command(
    'trace <file>',
    'what happens to one conversation, gateway by gateway, and why',
    () => import('./commands/trace.ts'),
    `A and B are names or addresses. Examples:
  zonewright trace plant.zone --from historian --to plc_press --service "modbus read"
  zonewright trace plant.zone --from 10.0.3.4 --to plc_press --proto tcp --dport 445 --expect deny
  zonewright trace plant.zone --from office --to press --proto icmp --type 8
  journalctl -k | grep zw | tail -1 | zonewright trace plant.zone --log -`,
  )
    .option('--from <a>', 'where the conversation starts')
    .option('--to <b>', 'where it goes')
    .option('--proto <protocol>', 'tcp, udp, icmp, icmpv6 or a number')
    .option('--dport <port>', 'destination port')
    .option('--sport <port>', 'source port')
    .option('--type <type>', 'ICMP type')
    .option('--code <code>', 'ICMP code')
    .option('--service <service>', 'a service of the zone language instead, such as "modbus write"')
    .option('--log <line>', 'a kernel log line instead of all of these, or - to read one')
    .option('--expect <verdict>', 'allow or deny: exit 1 if it is otherwise')
    .option(...date)
    .option(...format);
  command(
    'list <file>',
    'everything that is open, gateway by gateway, for auditors',
    () => import('./commands/list.ts'),
    `One row for each gateway, flow and direction, with what is disabled, expired or carried by no gateway, and what
every interface passes unasked. Not listed, since every gateway passes it: loopback, the answers within
conversations, and ICMP errors about them. Examples:
  zonewright list plant.zone --gateway gw12 --interface eth2
  zonewright list plant.zone --format csv > plant.csv`,
  )
    .option('--gateway <name>', 'only this gateway (may be repeated)', many)
    .option('--interface <name>', 'only what comes in or goes out by this interface')
    .option(...date)
    .option(...formats('text, csv, md or json'));
  command(
    'test <file>',
    'run the test blocks alone, and say which flows they touch',
    () => import('./commands/test.ts'),
    'FILE is a zone file, or - for standard input.',
  )
    .option(...date)
    .option(...formats('text, json, junit (build servers), sarif (code scanning) or github (workflow commands)'));
  command(
    'reach <file>',
    'everything that is allowed between two selectors',
    () => import('./commands/reach.ts'),
    `Selectors are written as in a zone file. Examples:
  zonewright reach plant.zone --from 'level >= 4' --to 'level <= 2'
  zonewright reach plant.zone --from any --to plc_press`,
  )
    .option('--from <selector>', 'who starts the conversation')
    .option('--to <selector>', 'who is reached')
    .option(...date)
    .option(...format);
  command(
    'paths <file>',
    'chains of conversations through hosts that can be entered, with their weakest link',
    () => import('./commands/paths.ts'),
    `Every step but the last is by a service that enters a host: a remote shell or desktop, a file share, remote
execution, or the programming of a controller. Inside a zone any host reaches any other. Example:
  zonewright paths plant.zone --from internet --to 'kind safety' --format mermaid`,
  )
    .option('--from <selector>', 'where an attacker stands')
    .option('--to <selector>', 'what must be safe')
    .option('--max-hops <number>', 'longest chain, in steps that cross a gateway (default: 4)')
    .option(...date)
    .option(...formats('text, json, dot (Graphviz) or mermaid'));
  command(
    'diff <old> <new>',
    'what a change opens, closes and says differently, exactly',
    () => import('./commands/diff.ts'),
    `OLD and NEW are zone files, folders with one policy, or REV:path of git (path from the top of the repository,
./path from here). Exit status 1 if anything differs. Examples:
  zonewright diff main:plant.zone plant.zone
  zonewright diff HEAD~1:./plant.zone plant.zone --format md > change.md`,
  )
    .option(...date)
    .option(...formats('text, json, md (a page to approve), sarif, junit or github'));
  command(
    'verify <file>',
    'what a gateway runs, against its policy',
    () => import('./commands/verify.ts'),
    `Says equal (exit 0), or which packets and flows differ (exit 1), or what cannot be told (exit 1). Examples:
  ssh gw12 nft -j list ruleset > gw12.json
  zonewright verify plant.zone --gateway gw12 --running gw12.json`,
  )
    .option('--gateway <name>', 'the gateway that it was taken from (default: the only one)')
    .option('--running <file>', 'what the gateway says of itself (may be repeated), or - for standard input', many)
    .option('--beside <words>', 'another table or chain there that is known, by words of its name (may be repeated)', many)
    .option(...date)
    .option(...format);
  command(
    'targets [name]',
    'the targets that can be compiled for, and what each can do',
    () => import('./commands/targets.ts'),
    'A gateway names its target: `target nftables`.',
  ).option(...format);
  command(
    'protocols [name]',
    'the protocols that a zone file can call by name',
    () => import('./commands/protocols.ts'),
    '`zonewright protocols modbus` shows one of them.',
  ).option(...format);
  command(
    'explain <code>',
    'what a diagnostic means, with an example and the way out',
    () => import('./commands/explain.ts'),
    'For example: zonewright explain ZW2006',
  ).option(...format);
  command(
    'init [dir]',
    'write a small zone file to begin with',
    () => import('./commands/init.ts'),
    'Writes DIR/plant.zone (default: this folder); an existing file is never touched.',
  );
  return root;
}

export async function main(argv: readonly string[]): Promise<number> {
  let status = 0;
  try {
    const root = program((one) => {
      status = one;
    });
    if (argv.length === 0) {
      process.stdout.write(root.helpInformation());
      return 0;
    }
    await root.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { complain, printJson, UsageError } = await import('./io.ts');
    const asked = argv.findIndex((word) => word === '--format');
    const json = argv.includes('--format=json') || (asked >= 0 && argv[asked + 1] === 'json');
    const say = (one: Diagnostic, exitStatus: number): number => {
      try {
        if (json) printJson('error', { exitStatus }, [one]);
        else complain([one]);
      } catch {
        // Whatever broke, a person is told.
        complain([one]);
      }
      return exitStatus;
    };
    if (error instanceof UsageError) return say(error.diagnostic, 2);
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return 0;
    const { internalCodes } = await import('../diagnostics/codes/internal.ts');
    const { diagnostic } = await import('../diagnostics/diagnostic.ts');
    const what = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? (error.stack ?? '').split('\n').slice(1, 6) : [];
    return say(
      diagnostic(
        internalCodes.crashed,
        undefined,
        { what },
        { notes: stack.map((line) => line.trim()), help: ['this is a bug of zonewright; nothing was written'] },
      ),
      4,
    );
  }
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});
process.exitCode = await main(process.argv.slice(2));
