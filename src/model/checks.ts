/**
 * Asserts and tests: their selectors and services resolved, so that the proof only has to compare sets.
 */
import { assertCodes } from '../diagnostics/codes/asserts.ts';
import { modelCodes } from '../diagnostics/codes/model.ts';
import { type AddressSet, intersectAddresses, isEmpty } from '../net/address-set.ts';
import type { AssertDecl, Declaration, Selector, ServiceList, TestLine as TestLineAst } from '../syntax/ast.ts';
import type { FlowTools } from './flows.ts';
import { type Assert, grades, type ResolvedServices, type Test, type TestLine } from './model.ts';
import { oneOf } from './zones.ts';

type TestDecl = Extract<Declaration, { kind: 'test' }>;

const requirements = ['owner', 'ticket', 'reason', 'expires', 'essential', 'log', 'count', 'rate'] as const;

export function resolveAssert(tools: FlowTools, declaration: AssertDecl): Assert | undefined {
  const { context } = tools;
  const body = declaration.body;
  const later = (what: string, ...selectors: readonly (Selector | undefined)[]): undefined => {
    for (const selector of selectors) if (selector !== undefined) tools.selectors.resolve(selector);
    context.report(modelCodes.notYet, body.span, { what: `the assert \`${what}\`` }, { help: ['`never` and `always` are proved today'] });
  };
  switch (body.kind) {
    case 'never':
    case 'always': {
      const from = tools.selectors.resolve(body.from);
      const to = tools.selectors.resolve(body.to);
      const services = servicesOf(tools, body.services, body.span);
      if (from === undefined || to === undefined || services === undefined) return undefined;
      return {
        name: declaration.name.text,
        label: declaration.label?.text,
        kind: body.kind,
        from,
        to,
        services,
        whereEnforced: declaration.whereEnforced,
        span: declaration.name.span,
      };
    }
    case 'only-via':
      return later('only via', body.from, body.to, body.via);
    case 'hops':
      return later('at least … hops', body.from, body.to);
    case 'every-flow':
      for (const alternative of body.requirements.flat()) {
        if (alternative.kind === 'property') oneOf(context, alternative.name, requirements, 'property of a flow');
        if (alternative.kind === 'inspect') oneOf(context, alternative.grade, grades, 'grade');
      }
      return later('every flow … has', body.from, body.to);
  }
}

function servicesOf(tools: FlowTools, list: ServiceList | undefined, span: Assert['span']): ResolvedServices | undefined {
  return tools.services.resolve(list ?? { items: [{ base: { kind: 'any', span }, except: undefined, span }], span }, 'exact');
}

export function resolveTest(tools: FlowTools, declaration: TestDecl, inZones: AddressSet): Test {
  const lines = declaration.lines.flatMap((line) => resolveLine(tools, line, inZones) ?? []);
  return { title: declaration.title.text, lines, span: declaration.title.span };
}

function resolveLine(tools: FlowTools, line: TestLineAst, inZones: AddressSet): TestLine | undefined {
  const from = tools.selectors.resolve(line.from);
  const to = tools.selectors.resolve(line.to);
  const services = tools.services.resolve(line.services, 'exact');
  if (from === undefined || to === undefined || services === undefined) return undefined;
  for (const side of [from, to]) {
    if (side.gateways.length === 0 && !isEmpty(side.addresses) && isEmpty(intersectAddresses(side.addresses, inZones))) {
      tools.context.report(assertCodes.testOutside, side.span, { text: side.text }, { help: ['name a zone, a host or an address that lies in a zone'] });
      return undefined;
    }
  }
  return { expect: line.expect, from, to, services, span: line.span };
}
