/** A gateway's target options, checked against what the target declares; defaults filled in. */
import { nearest } from '../base/nearest.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import { type Diagnostic, diagnostic } from '../diagnostics/diagnostic.ts';
import type { Gateway, OptionSetting } from '../model/model.ts';
import { type OptionSpec, type SettledOptions, type TargetCapabilities, withEngine, withoutLooking } from './capabilities.ts';

export function settleOptions(gateway: Gateway, target: TargetCapabilities, diagnostics: Diagnostic[]): SettledOptions {
  const settled = new Map(target.options.map((option) => [option.name, option.default]));
  const seen = new Set<string>();
  for (const { name, value } of gateway.options) {
    const spec = target.options.find((option) => option.name === name.value);
    if (spec === undefined) {
      const suggestion = nearest(name.value, settled.keys());
      diagnostics.push(
        diagnostic(
          modelCodes.unknownOption,
          name.span,
          { name: name.value, target: target.name },
          {
            help: [suggestion === undefined ? `its options are: ${[...settled.keys()].join(', ') || 'none'}` : `did you mean \`${suggestion}\`?`],
          },
        ),
      );
      continue;
    }
    if (seen.has(spec.name)) {
      diagnostics.push(
        diagnostic(modelCodes.repeatedProperty, name.span, { property: spec.name, owner: `target \`${target.name}\`` }, { help: ['keep one of the two'] }),
      );
      continue;
    }
    seen.add(spec.name);
    const text = accepted(spec, value);
    if (text === undefined) diagnostics.push(diagnostic(modelCodes.badOption, value.span, { name: spec.name, expected: expectation(spec) }));
    else settled.set(spec.name, text);
  }
  return settled;
}

/** What a target gives on this gateway, whose options may name an engine, or say that nothing is looked into. */
export function equippedFor(gateway: Gateway, target: TargetCapabilities): TargetCapabilities {
  const said = (option: string | undefined): string | undefined => {
    const setting = gateway.options.find(({ name }) => name.value === option);
    return setting === undefined || setting.value.kind === 'list' ? undefined : setting.value.text;
  };
  const { blinded, companions } = target;
  const own = blinded !== undefined && said(blinded.option) === blinded.value ? withoutLooking(target) : target;
  const engine = said(companions?.option);
  return engine === undefined ? own : withEngine(own, engine);
}

function accepted(spec: OptionSpec, value: OptionSetting): string | undefined {
  if (value.kind === 'list') return undefined;
  switch (spec.type.kind) {
    case 'name':
      return spec.type.values.includes(value.text) ? value.text : undefined;
    case 'number': {
      const number = /^(0x[0-9a-f]{1,8}|\d{1,10})$/iu.test(value.text) ? Number(value.text) : Number.NaN;
      return number >= spec.type.first && number <= spec.type.last ? String(number) : undefined;
    }
    case 'mask': {
      const mask = /^(0x[0-9a-f]{1,8}|\d{1,10})$/iu.test(value.text) ? Number(value.text) : 0;
      return mask <= 0xffff_ffff && bitsOf(mask) >= spec.type.leastBits ? String(mask) : undefined;
    }
    case 'string':
      return spec.type.pattern.test(value.text) ? value.text : undefined;
  }
}

function expectation(spec: OptionSpec): string {
  switch (spec.type.kind) {
    case 'name':
      return `one of ${spec.type.values.join(', ')}`;
    case 'number':
      return `a number between ${spec.type.first} and ${spec.type.last}`;
    case 'mask':
      return `a mask of 32 bits with at least ${spec.type.leastBits} of them set, such as 0xffff0000`;
    case 'string':
      return spec.type.expected;
  }
}

function bitsOf(mask: number): number {
  return mask.toString(2).replaceAll('0', '').length;
}
