import type { Result } from './measure.ts';
import { chat } from './scenarios/chat.ts';
import { smoke } from './scenarios/smoke.ts';
import { storm } from './scenarios/storm.ts';
import { timing } from './scenarios/timing.ts';
import type { BenchOptions } from './with-cluster.ts';

/** The options of the command line that are numbers. Each of them is a whole number, at least 1. */
export const NUMBER_OPTIONS = {
  rooms: 'the number of rooms',
  members: 'how many members each room has',
  rate: 'sends N messages a second. Default: each socket sends its next message when an earlier one is acked',
  window: 'without --rate only: each socket has N messages without an ack. Default: 5',
  seconds: 'measures for N seconds. Default: 10',
  messages: 'smoke only: sends N messages in all. Default: 20000',
  gateways: 'starts N gateways',
  workers: 'starts N workers',
} as const;

export interface ScenarioOptions
  extends BenchOptions,
    Partial<Record<keyof typeof NUMBER_OPTIONS, number | undefined>> {
  killWorker?: boolean | undefined;
}

interface Scenario {
  purpose: string;
  /** The options that have an effect, besides `gateways` and `workers`. */
  options: (keyof ScenarioOptions)[];
  run: (options: ScenarioOptions) => Promise<Result>;
}

export const SCENARIOS: Record<string, Scenario> = {
  smoke: {
    purpose: 'sends a fixed number of messages and checks every message',
    options: ['rooms', 'rate', 'window', 'messages', 'killWorker'],
    run: smoke,
  },
  chat: {
    purpose: 'throughput, latency and processor time while members write in many rooms',
    options: ['rooms', 'members', 'rate', 'window', 'seconds'],
    run: chat,
  },
  storm: { purpose: 'how much 200 clients that log in repeatedly delay messages', options: [], run: storm },
  timing: { purpose: 'does the time of a login show that an account exists?', options: [], run: timing },
};
