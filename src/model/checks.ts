/**
 * Asserts and tests: their selectors and services resolved, so that the proof only has to compare sets.
 */
import { assertCodes } from '../diagnostics/codes/asserts.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import { type AddressSet, intersectAddresses, isEmpty } from '../net/address-set.ts';
import type { AssertDecl, Declaration, FlowRequirement, Selector, ServiceList, TestLine as TestLineAst, Word } from '../syntax/ast.ts';
import type { FlowTools } from './flows.ts';
import { type Assert, grades, requiredProperties, type Requirement, type ResolvedSelector, type ResolvedServices, type Test, type TestLine } from './model.ts';
import { oneOf } from './zones.ts';

type TestDecl = Extract<Declaration, { kind: 'test' }>;

const mostHops = 99;

export function resolveAssert(tools: FlowTools, declaration: AssertDecl): Assert | undefined {
  const head = { name: declaration.name.text, label: declaration.label?.text, whereEnforced: declaration.whereEnforced, span: declaration.name.span };
  const { body } = declaration;
  const selector = (one: Selector): ResolvedSelector | undefined => tools.selectors.resolve(one);
  switch (body.kind) {
    case 'never':
    case 'always': {
      const [from, to, services] = [
        selector(body.from),
        selector(body.to),
        servicesOf(tools, body.services, body.span, body.kind === 'never' ? 'never' : 'exact'),
      ];
      return from === undefined || to === undefined || services === undefined ? undefined : { ...head, kind: body.kind, from, to, services };
    }
    case 'only-via': {
      const [from, to, via] = [selector(body.from), selector(body.to), selector(body.via)];
      return from === undefined || to === undefined || via === undefined ? undefined : { ...head, kind: 'only-via', from, to, via };
    }
    case 'hops': {
      const [from, to, atLeast] = [selector(body.from), selector(body.to), wholeNumber(tools, body.atLeast, 'number of hops', mostHops)];
      return from === undefined || to === undefined || atLeast === undefined ? undefined : { ...head, kind: 'hops', from, to, atLeast };
    }
    case 'every-flow': {
      const sides = [body.from, body.to].map((side) => (side === undefined ? undefined : selector(side)));
      const requirements = body.requirements.map((alternatives) => alternatives.flatMap((one) => requirement(tools, one) ?? []));
      const broken = (body.from !== undefined && sides[0] === undefined) || (body.to !== undefined && sides[1] === undefined);
      if (broken || requirements.some((alternatives, index) => alternatives.length < (body.requirements[index]?.length ?? 0))) return undefined;
      return { ...head, kind: 'every-flow', from: sides[0], to: sides[1], requirements };
    }
  }
}

function requirement(tools: FlowTools, asked: FlowRequirement): Requirement | undefined {
  const { context } = tools;
  const text = context.words(asked.span);
  switch (asked.kind) {
    case 'property': {
      const name = oneOf(context, asked.name, requiredProperties, 'property of a flow');
      return name === undefined ? undefined : { kind: 'property', name, text };
    }
    case 'expires-within': {
      const days = wholeNumber(tools, asked.days, 'number of days', 99_999);
      return days === undefined ? undefined : { kind: 'expires-within', days, text };
    }
    case 'inspect': {
      const grade = oneOf(context, asked.grade, grades, 'grade');
      return grade === undefined ? undefined : { kind: 'inspect', grade, text };
    }
  }
}

function wholeNumber(tools: FlowTools, word: Word, what: string, last: number): number | undefined {
  const value = /^\d{1,9}$/u.test(word.text) ? Number(word.text) : 0;
  if (value >= 1 && value <= last) return value;
  tools.context.report(modelCodes.numberOutOfRange, word.span, { what, text: word.text, first: '1', last: String(last) });
  return undefined;
}

function servicesOf(tools: FlowTools, list: ServiceList | undefined, span: Assert['span'], reading: 'exact' | 'never'): ResolvedServices | undefined {
  return tools.services.resolve(list ?? { items: [{ base: { kind: 'any', span }, except: undefined, span }], span }, reading);
}

export function resolveTest(tools: FlowTools, declaration: TestDecl, inZones: AddressSet): Test {
  const lines = declaration.lines.flatMap((line) => resolveLine(tools, line, inZones) ?? []);
  return { title: declaration.title.text, lines, span: declaration.title.span };
}

function resolveLine(tools: FlowTools, line: TestLineAst, inZones: AddressSet): TestLine | undefined {
  const from = tools.selectors.resolve(line.from);
  const to = tools.selectors.resolve(line.to);
  const services = tools.services.resolve(line.services, line.expect === 'allow' ? 'exact' : 'never');
  if (from === undefined || to === undefined || services === undefined) return undefined;
  for (const side of [from, to]) {
    if (side.gateways.length + side.gatewayAddresses.length === 0 && !isEmpty(side.addresses) && isEmpty(intersectAddresses(side.addresses, inZones))) {
      tools.context.report(assertCodes.testOutside, side.span, { text: side.text }, { help: ['name a zone, a host or an address that lies in a zone'] });
      return undefined;
    }
  }
  return { expect: line.expect, from, to, services, span: line.span };
}
