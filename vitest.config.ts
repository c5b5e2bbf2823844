/**
 * Two workers: a third one makes everything slower on two processors, since it has the compiler to warm up, too. Each keeps what it has loaded from file to file, since most of a file's time
 * would go into loading and warming up the compiler again: no test file may leave anything changed outside of itself.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    isolate: false,
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/kernel/**'] } },
      { extends: true, test: { name: 'kernel', include: ['test/kernel/**/*.test.ts'], testTimeout: 300_000 } },
    ],
  },
});
