import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installPython, lastLineOf } from '../support/installed-python.ts';
import { testServices } from '../support/system.ts';

const run = promisify(execFile);

const SCHEMATHESIS = 'schemathesis==4.32.5';
const MAX_RUN_MS = 150_000;
/** `SEED=7 npm run test:fuzz` tries other inputs. */
const seed = process.env.SEED || '1';

export interface FuzzRun {
  /** The URL of the gateway. */
  url: string;
  /** The text of a configuration file of schemathesis. */
  config: string;
  token?: string;
  /** Further arguments of `schemathesis run`. */
  args: string[];
}

/** Sends what an API document allows and what it forbids, and checks each answer against the document. */
export interface Fuzzer {
  /**
   * Each answer must fit the document.
   * @returns how often each operation accepted an input, such as `{'GET /api/rooms': 12}`
   * @throws Error with what the fuzzer printed, if an answer does not fit
   */
  run(options: FuzzRun): Promise<Record<string, number>>;
}

/** Installs schemathesis. @returns the fuzzer, or why it cannot run here */
export async function prepareFuzzer(): Promise<{ fuzzer?: Fuzzer; why?: string }> {
  try {
    const program = join(await installPython('fuzz-python', SCHEMATHESIS), 'schemathesis');
    return { fuzzer: { run: (options) => runSchemathesis(program, options) } };
  } catch (error) {
    return { why: `schemathesis cannot run here: ${lastLineOf(error)}` };
  }
}

async function runSchemathesis(program: string, { url, config, token, args }: FuzzRun) {
  const cwd = mkdtempSync(join(testServices().home, 'fuzz-'));
  writeFileSync(join(cwd, 'config.toml'), config);
  const report = join(cwd, 'report.json');
  const ofRun = ['--config-file', 'config.toml', 'run', `${url}/docs/openapi.json`, '--seed', seed];
  const ofReport = ['--report', 'json', '--report-json-path', report, '--no-color', '--generation-database', 'none'];
  const header = token ? ['-H', `Authorization: Bearer ${token}`] : [];
  await run(program, [...ofRun, ...ofReport, ...header, ...args], { cwd, timeout: MAX_RUN_MS }).catch((error) => {
    // The message of the error would show the token.
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  return acceptedInputs(JSON.parse(readFileSync(report, 'utf8')));
}

interface Report {
  valid_rates: Record<string, Record<string, { accepted: number }>>;
}

function acceptedInputs({ valid_rates: rates }: Report): Record<string, number> {
  const counts = Object.entries(rates).map(([operation, phases]) => {
    return [operation, Object.values(phases).reduce((sum, { accepted }) => sum + accepted, 0)];
  });
  return Object.fromEntries(counts);
}
