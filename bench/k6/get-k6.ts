import { getGoProgram } from '../go-program.ts';

const K6 = { name: 'k6', goPackage: 'go.k6.io/k6@v1.8.1' };

/**
 * Finds k6 on the PATH or in the folder, or builds it with Go.
 * @param binaries the absolute path of the folder
 * @returns the path of k6, or undefined after a line that says why there is none
 */
export function getK6(binaries: string, print: (line: string) => void): Promise<string | undefined> {
  return getGoProgram(K6, binaries, print);
}
