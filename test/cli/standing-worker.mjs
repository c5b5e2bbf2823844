/**
 * Lets a test wait for a command line that stays without giving up its turn: a thread that talks to the process, while
 * the thread of the test sleeps until a status, or the death of the process, is there.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { workerData } from 'node:worker_threads';

const { main, env, bell, port } = workerData;
const bellAsNumbers = new Int32Array(bell);
const child = fork(fileURLToPath(new URL('standing.mjs', import.meta.url)), [main], { env, execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });

function answer(status) {
  port.postMessage(status);
  Atomics.store(bellAsNumbers, 0, 1);
  Atomics.notify(bellAsNumbers, 0);
}

child.on('message', answer);
child.on('exit', () => answer(null));
port.on('message', (call) => {
  if (child.connected) child.send(call);
  else answer(null);
});
