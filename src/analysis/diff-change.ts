/** One thing that two policies say differently of the same conversations, places or promises. */
import type { Span } from '../base/source.ts';

export interface FlowChange {
  readonly kind: 'flow' | 'zone' | 'host' | 'assert' | 'test';
  readonly name: string;
  /** `grade`, `log`, `expires`, `owner`, … or `added`, `removed`. */
  readonly what: string;
  readonly before: string;
  readonly after: string;
  /** True if the change weakens: less inspection, less logging, a longer life, fewer asserts. */
  readonly weaker: boolean;
  /** In the new policy, else in the old one. */
  readonly span: Span;
  readonly side: 'old' | 'new';
}
