/**
 * A command line that stays: takes one call after the other from its parent, with a folder of their own each, and gives the exit status.
 *
 * What it runs is the built command line, on the file descriptors 0, 1 and 2, which are opened anew for each call as a shell
 * would: the lowest number that is free is the one that opening gets.
 */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , path = ''] = process.argv;

function redirect(folder) {
  for (const [fd, name, flags] of [
    [0, 'stdin', 'r'],
    [1, 'stdout', 'w'],
    [2, 'stderr', 'w'],
  ]) {
    closeSync(fd);
    const opened = openSync(join(folder, name), flags);
    if (opened !== fd) throw new Error(`${name} is ${opened}, not ${fd}`);
  }
}

const home = { cwd: process.cwd(), env: { ...process.env } };

/** The module runs once as it is loaded, on no arguments: that prints its help. */
let main;

process.on('message', async ({ folder, args, cwd, env }) => {
  redirect(folder);
  if (main === undefined) {
    process.argv = [process.argv[0], path];
    ({ main } = await import(pathToFileURL(path).href));
    redirect(folder);
  }
  process.chdir(cwd);
  Object.assign(process.env, env);
  const status = await main(args);
  process.chdir(home.cwd);
  for (const name of Object.keys(env)) {
    if (name in home.env) process.env[name] = home.env[name];
    else delete process.env[name];
  }
  process.send(status);
});
process.on('disconnect', () => process.exit());
