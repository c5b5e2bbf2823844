/**
 * z3 in this process, asked in SMT-LIB text.
 *
 * Takes declarations and assertions as text, gives a model of them or none. The idea: text is what any solver reads, so a failing question
 * can be shown to another one. The solver is WebAssembly with threads of its own; `close` ends them, else the process would wait for ever.
 */
export interface Solver {
  /** Values of the constants, by name, as z3 writes them (`#x0f`, `true`); those that do not matter are absent. Undefined: there are none. */
  solve(text: string): Promise<ReadonlyMap<string, string> | undefined>;
  close(): Promise<void>;
}

/** The solver, or why there is none. */
export async function loadSolver(): Promise<Solver | string> {
  try {
    const { init, killThreads, Z3_error_code, Z3_lbool } = await import('z3-solver');
    const { Z3, em } = await init();
    const context = Z3.mk_context(Z3.mk_config());
    const solver = Z3.mk_solver_for_logic(context, Z3.mk_string_symbol(context, 'QF_BV'));
    Z3.solver_inc_ref(context, solver);
    return {
      async solve(text) {
        Z3.solver_reset(context, solver);
        // Not `eval_smtlib2_string`: its thread may read the text after the wrapper has given it back.
        Z3.solver_from_string(context, solver, text);
        const code = Z3.get_error_code(context);
        if (code !== Z3_error_code.Z3_OK) throw new Error(`z3 cannot read the question: ${Z3.get_error_msg(context, code)}\n${text}`);
        const answer = await Z3.solver_check(context, solver);
        if (answer === Z3_lbool.Z3_L_UNDEF) throw new Error(`z3 does not know: ${Z3.solver_get_reason_unknown(context, solver)}\n${text}`);
        if (answer === Z3_lbool.Z3_L_FALSE) return undefined;
        const model = Z3.solver_get_model(context, solver);
        const lines = Z3.model_to_string(context, model).split('\n');
        return new Map(lines.flatMap((line) => (/ -> /u.test(line) ? [line.split(' -> ', 2) as [string, string]] : [])));
      },
      async close() {
        Z3.solver_dec_ref(context, solver);
        Z3.del_context(context);
        await killThreads(em);
      },
    };
  } catch (reason) {
    return `z3-solver does not load: ${reason instanceof Error ? reason.message : String(reason)}`;
  }
}
