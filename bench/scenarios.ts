import type { Result } from './measure.ts';
import { measureChat } from './scenarios/chat.ts';
import { measureConnects } from './scenarios/connects.ts';
import { defaultLimits, measureFairness } from './scenarios/fairness.ts';
import { measureFanOut } from './scenarios/fan-out.ts';
import { measureHttp } from './scenarios/http.ts';
import { measureIdle } from './scenarios/idle.ts';
import { measurePeople } from './scenarios/people.ts';
import { measureReconnect } from './scenarios/reconnect.ts';
import { measureResume } from './scenarios/resume.ts';
import { measureRooms } from './scenarios/rooms.ts';
import { measureSmoke } from './scenarios/smoke.ts';
import { measureStorm } from './scenarios/storm.ts';
import { measureTiming } from './scenarios/timing.ts';
import { measureWakeUps } from './scenarios/wake-ups.ts';
import type { Size, System } from './with-cluster.ts';

/** The options of scenarios that are numbers. Each of them is a whole number, at least 1. */
export const NUMBER_OPTIONS = {
  rooms: 'the number of rooms',
  members: 'how many members each room has',
  senders: 'how many of the members send',
  sockets: 'the number of sockets or HTTP connections',
  rate: 'sends N messages a second. Default: each socket sends its next message when an earlier one is acked',
  window: 'without --rate only: each sender has N messages without an ack. Default: 5',
  seconds: 'measures for N seconds. Default: 10',
  messages: 'sends N messages in all. Default: 20000',
  row: 'measures only this row of the table. Default: all rows',
} as const;

export interface ScenarioOptions extends Partial<Record<keyof typeof NUMBER_OPTIONS, number>> {
  killWorker?: boolean;
}

export interface Scenario {
  purpose: string;
  /** The options that have an effect. */
  options: (keyof ScenarioOptions)[];
  /** How many gateways and workers run, unless the command line says it. */
  size: Size;
  measure: (system: System, options: ScenarioOptions) => Promise<Result>;
}

const ONE_OF_EACH: Size = { gateways: 1, workers: 1 };
const TWO_OF_EACH: Size = { gateways: 2, workers: 2 };

export const SCENARIOS = {
  smoke: {
    purpose: 'sends a fixed number of messages and checks every message',
    options: ['rooms', 'rate', 'window', 'messages', 'killWorker'],
    size: TWO_OF_EACH,
    measure: measureSmoke,
  },
  chat: {
    purpose: 'throughput, latency and processor time while members write in many rooms',
    options: ['rooms', 'members', 'senders', 'rate', 'window', 'seconds'],
    size: ONE_OF_EACH,
    measure: measureChat,
  },
  'fan-out': {
    purpose: 'deliveries to all members of one large room',
    options: ['members', 'senders', 'rate', 'window', 'seconds'],
    size: ONE_OF_EACH,
    measure: measureFanOut,
  },
  rooms: {
    purpose: 'the same load over the same sockets in 10 to 2,000 rooms',
    options: ['rooms', 'sockets', 'seconds'],
    size: ONE_OF_EACH,
    measure: measureRooms,
  },
  idle: {
    purpose: 'memory and processor time of sockets that only wait',
    options: ['sockets', 'seconds'],
    size: { ...ONE_OF_EACH, ownPorts: true },
    measure: measureIdle,
  },
  connects: {
    purpose: 'how many sockets can be opened per second',
    options: ['sockets'],
    size: ONE_OF_EACH,
    measure: measureConnects,
  },
  resume: {
    purpose: 'how long a client takes that missed 50,000 messages, and one that is in 10,000 rooms',
    options: ['messages', 'rooms'],
    size: ONE_OF_EACH,
    measure: measureResume,
  },
  reconnect: {
    purpose: 'all clients of a killed gateway come back on another one, and get what they missed',
    options: ['sockets', 'rate', 'seconds'],
    size: { gateways: 2, workers: 1, ownPorts: true, gatewayMetrics: true },
    measure: measureReconnect,
  },
  http: {
    purpose: 'messages and pages of a history over HTTP',
    options: ['sockets', 'seconds'],
    size: ONE_OF_EACH,
    measure: measureHttp,
  },
  fairness: {
    purpose: 'what one user can do to a bystander, with the limits of production',
    options: ['row', 'seconds'],
    size: { ...ONE_OF_EACH, env: defaultLimits() },
    measure: measureFairness,
  },
  storm: {
    purpose: 'how much 200 clients that log in repeatedly delay messages',
    options: [],
    size: TWO_OF_EACH,
    measure: measureStorm,
  },
  timing: {
    purpose: 'does the time of a login show that an account exists?',
    options: [],
    size: ONE_OF_EACH,
    measure: measureTiming,
  },
  people: {
    purpose: 'processor time of presence and typing in one large room',
    options: ['members', 'seconds'],
    size: ONE_OF_EACH,
    measure: measurePeople,
  },
  'wake-ups': {
    purpose: 'processor time of a small task, with and without pauses between two tasks',
    options: ['seconds'],
    size: ONE_OF_EACH,
    measure: measureWakeUps,
  },
} satisfies Record<string, Scenario>;
