import type { Case } from './cases/case.ts';
import { commandCases } from './cases/commands.ts';
import { connectionCases } from './cases/connections.ts';
import { roomCases } from './cases/rooms.ts';
import { streamCases } from './cases/streams.ts';

/** All cases of the kit. */
export const cases: readonly Case[] = [...commandCases, ...connectionCases, ...streamCases, ...roomCases];
