import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Config, environment, isDev } from '../config.ts';
import { isOnlyForCompose } from './compose-hosts.ts';
import { firstSteps } from './first-steps.ts';
import { lockInstance } from './instance-lock.ts';
import { type CaughtMail, type MailCatcher, startMailCatcher, writeMail } from './mail.ts';
import { isPortTaken } from './ports.ts';
import { isReady } from './readiness.ts';
import { readSecrets } from './secrets.ts';
import { type Services, startServices, stopChildren } from './services.ts';
import { type Supervised, supervise } from './supervise.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The variables that `npm start` sets if the user has not set them. */
export const LOCALLY_SET_VARIABLES = ['DATABASE_URL', 'REDIS_URL', 'API_SECRET', 'SMTP_HOST'] as const;

type Env = Record<string, string>;

export interface LocalRoomsOptions {
  /** The folder for data, logs, mails and secrets. */
  home: string;
  config: Config<'ENVIRONMENT' | 'HOST' | 'PORT'> & Partial<Config<(typeof LOCALLY_SET_VARIABLES)[number]>>;
  print: (line: string) => void;
}

/** All of Rooms on one machine: Postgres, Redis, a mail catcher, a gateway and the workers. */
export class LocalRooms {
  /** Resolves with an explanation when a process has ended and cannot be started again. */
  readonly failed: Promise<string>;
  readonly #fail: (explanation: string) => void;
  readonly #options: LocalRoomsOptions;
  readonly #url: string;
  readonly #runningFile: string;
  #services: Services | undefined;
  #mailCatcher: MailCatcher | undefined;
  #processes: Supervised[] = [];
  #wroteRunningFile = false;
  #stopping = false;

  constructor(options: LocalRoomsOptions) {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.failed = promise;
    this.#fail = resolve;
    this.#options = options;
    this.#url = `http://localhost:${options.config.PORT}`;
    this.#runningFile = join(options.home, 'running.env');
  }

  /**
   * Resolves when Rooms is ready, or when {@link stop} is called before that.
   * @throws ServiceError if Postgres or Redis cannot be started, Error if anything else prevents the start
   */
  async start(): Promise<void> {
    try {
      await this.#lockHome();
      await this.#checkPort();
      const env = await this.#startServices();
      this.#writeRunningFile(env);
      await this.#migrate(env);
      this.#startProcesses(env);
      await this.#waitUntilReady();
    } catch (error) {
      // `stop` ends processes that the start waits for. The error of the start is then expected.
      if (!this.#stopping) throw error;
    }
  }

  /** Stops the gateway, then the workers, then Postgres and Redis, which both use. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#services) this.#options.print('\nstopping');
    for (const process of this.#processes) await process.stop();
    await this.#mailCatcher?.close();
    // Without this check, a second `npm start` with the same folder would remove the file of the first one.
    if (this.#wroteRunningFile) rmSync(this.#runningFile, { force: true });
    await stopChildren(this.#services?.children ?? []);
  }

  async #lockHome(): Promise<void> {
    const { home } = this.#options;
    mkdirSync(join(home, 'logs'), { recursive: true, mode: 0o700 });
    const lockOwner = await lockInstance(home, `process ${process.pid}, ${this.#url}`);
    if (lockOwner) throw new Error(`it already runs with the data in ${home} (${lockOwner})`);
  }

  async #checkPort(): Promise<void> {
    const { PORT, HOST } = this.#options.config;
    if (!(await isPortTaken(PORT, HOST))) return;
    throw new Error(`port ${PORT} is taken by another program. Use another port: PORT=${PORT + 1} npm start`);
  }

  /** @returns the environment of the gateway and the workers */
  async #startServices(): Promise<Env> {
    const { home, config, print } = this.#options;
    const databaseUrl = await this.#readServiceUrl('DATABASE_URL');
    const redisUrl = await this.#readServiceUrl('REDIS_URL');
    this.#services = await startServices({ home, binaries: join(home, 'bin'), databaseUrl, redisUrl, print });
    for (const { name, ended } of this.#services.children) void ended.then((ending) => this.#handleEnd(name, ending));
    return {
      ENVIRONMENT: config.ENVIRONMENT,
      DATABASE_URL: this.#services.databaseUrl,
      REDIS_URL: this.#services.redisUrl,
      API_SECRET: config.API_SECRET ?? readSecrets(home).apiSecret,
      ...(config.SMTP_HOST ? {} : await this.#startMailCatcher()),
    };
  }

  /** @returns the URL of a service that already runs, or undefined if Rooms must start its own */
  async #readServiceUrl(name: 'DATABASE_URL' | 'REDIS_URL'): Promise<string | undefined> {
    const { config, print } = this.#options;
    if (!(await isOnlyForCompose(name, config))) return config[name];
    print(
      `${name} is ignored: its host exists only in docker compose. Rooms uses its own service, which may be empty.`,
    );
    return undefined;
  }

  async #startMailCatcher(): Promise<Env> {
    const keep = (mail: CaughtMail) =>
      this.#options.print(`mail: ${mail.subject}, to ${mail.to}: ${writeMail(this.#mails, mail)}`);
    this.#mailCatcher = await startMailCatcher(keep);
    return {
      ...{ SMTP_HOST: '127.0.0.1', SMTP_PORT: `${this.#mailCatcher.port}`, EMAIL_PASSWORD: '' },
      // The gateway shows the mailed codes on its page. In production it refuses this variable.
      ...(isDev(this.#options.config.ENVIRONMENT) && { CAUGHT_MAILS: this.#mails }),
    };
  }

  /** `npm run admin` reads the file. Users read it to start more gateways and workers (docs/operations.md). */
  #writeRunningFile(env: Env): void {
    const lines = Object.entries(env).map(([name, value]) => `${name}='${value}'\n`);
    writeFileSync(this.#runningFile, lines.join(''), { mode: 0o600 });
    this.#wroteRunningFile = true;
  }

  async #migrate(env: Env): Promise<void> {
    this.#options.print('database: migrating');
    try {
      await promisify(execFile)(process.execPath, ['sql/main.ts'], { cwd: root, env: environment(env) });
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`the database could not be migrated:\n${stdout}${stderr}`);
    }
  }

  #startProcesses(env: Env): void {
    if (this.#stopping) return;
    this.#options.print('gateway, workers: starting');
    // Two processes cannot share the metrics port. The workers get it, because their metrics say more.
    this.#processes = [this.#supervise('gateway', { ...env, METRICS_PORT: '' }), this.#supervise('workers', env)];
  }

  #supervise(name: 'gateway' | 'workers', env: Env): Supervised {
    const { home, print } = this.#options;
    const command = [process.execPath, `${name}/main.ts`];
    const output = join(home, 'logs', `${name}.log`);
    return supervise({ name, command, cwd: root, env, output }, print, (...end) => this.#handleEnd(...end));
  }

  async #waitUntilReady(): Promise<void> {
    const { home, config, print } = this.#options;
    while (!this.#stopping && !(await isReady(`http://127.0.0.1:${config.PORT}`))) await wait(100);
    if (this.#stopping) return;
    print(firstSteps({ url: this.#url, home, root, mails: this.#mailCatcher && this.#mails }));
  }

  get #mails(): string {
    return join(this.#options.home, 'mail');
  }

  /** Ends all of Rooms with a message, because no process works without the others. */
  #handleEnd(name: string, ending: string): void {
    if (!this.#stopping) this.#fail(`${name} ended unexpectedly (${ending}). Its log is in ${this.#options.home}.`);
  }
}
