import { after } from 'node:test';
import * as v from 'valibot';
import { Room } from '../../shared/contract/answers.ts';
import type { CommandName } from '../../shared/contract/commands.ts';
import { ErrorAnswer, type ErrorCode } from '../../shared/contract/errors.ts';
import { Message } from '../../shared/contract/messages.ts';
import { bodyOf, refused } from './answer-checks.ts';
import { type Account, Client, call } from './client.ts';
import type { CommandFrame } from './client-frames.ts';
import { parseExactly } from './parse-exactly.ts';

/**
 * The id of the message that a command created or changed, or the error code of its refusal. For a command on a room,
 * the id is the id of the room. All drivers return the same outcome for the same command.
 */
export type Outcome = { id: string } | { code: ErrorCode };

/** Sends the commands of one account over one path: HTTP or a socket. */
export interface Driver {
  send(command: CommandFrame): Promise<Outcome>;
  /** Sends a command and asserts that it is committed. @returns the id of the outcome */
  commit(command: CommandFrame): Promise<string>;
}

export type Path = 'HTTP' | 'a socket';

export async function openDriver(path: Path, url: string, account: Account): Promise<Driver> {
  const send = path === 'HTTP' ? httpSender(url, account) : await socketSender(url, account);
  const commit = async (command: CommandFrame) => {
    const outcome = await send(command);
    if ('code' in outcome) throw new Error(`${outcome.code}: ${JSON.stringify(command)}`);
    return outcome.id;
  };
  return { send, commit };
}

const RoomDeleted = v.object({ message: v.literal('room deleted') });

interface HttpRequest {
  request: string;
  body?: object;
  schema: typeof Message | typeof Room | typeof RoomDeleted;
}

const httpRequests: Record<CommandName, (command: CommandFrame) => HttpRequest> = {
  CreateMessage: ({ roomId, text }) => ({ request: `POST /api/messages/${roomId}`, body: { text }, schema: Message }),
  UpdateMessage: ({ targetId, text }) => ({
    request: `PUT /api/messages/${targetId}`,
    body: { text },
    schema: Message,
  }),
  DeleteMessage: ({ targetId }) => ({ request: `DELETE /api/messages/${targetId}`, schema: Message }),
  AddUser: ({ roomId, targetId }) => ({ request: `POST /api/rooms/${roomId}/users/${targetId}`, schema: Message }),
  RemoveUser: ({ roomId, targetId }) => ({ request: `DELETE /api/rooms/${roomId}/users/${targetId}`, schema: Message }),
  CreateRoom: ({ text, roomType }) => ({ request: 'POST /api/rooms', body: { name: text, roomType }, schema: Room }),
  UpdateRoom: ({ roomId, text }) => ({ request: `PUT /api/rooms/${roomId}`, body: { name: text }, schema: Room }),
  DeleteRoom: ({ roomId }) => ({ request: `DELETE /api/rooms/${roomId}`, schema: RoomDeleted }),
};

function httpSender(url: string, { token }: Account) {
  return async (command: CommandFrame): Promise<Outcome> => {
    const { request, body, schema } = httpRequests[command.command](command);
    const headers: Record<string, string> = command.ref ? { 'idempotency-key': command.ref } : {};
    const answer = await call(url, request, { token, body, headers });
    if (answer.status >= 400) {
      const { code } = parseExactly(ErrorAnswer, answer.body);
      refused(answer, code);
      return { code };
    }
    const result = bodyOf(schema, answer, request.startsWith('POST') ? 201 : 200);
    return { id: 'id' in result ? result.id : (command.roomId as string) };
  };
}

/** Opens a socket, which closes at the end of the test. */
async function socketSender(url: string, { token }: Account) {
  const client = await Client.connect(url, token);
  after(() => client.close());
  return async (command: CommandFrame): Promise<Outcome> => {
    const answer = await client.ask(command);
    if (answer.command === 'Error') return { code: answer.code };
    if (command.command.endsWith('Room')) return { id: answer.roomId };
    return { id: /^(Update|Delete)/.test(command.command) ? (command.targetId as string) : answer.id };
  };
}
