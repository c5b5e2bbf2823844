/** The compiler as a library: what the command line uses, for other programs. */
export { check, type Checked, type CheckOptions, exitStatus } from './pipeline/check.ts';
export { compile, type Compiled, type CompileOptions } from './pipeline/compile.ts';
export type { Manifest } from './pipeline/manifest.ts';
export { renderJson, renderText } from './diagnostics/render.ts';
export type { Diagnostic } from './diagnostics/diagnostic.ts';
export { capabilitiesByName, targets } from '../targets/index.ts';
