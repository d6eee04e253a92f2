import * as v from 'valibot';
import { CreateMessage, DeleteMessage, UpdateMessage } from '../../shared/contract/commands.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import { MessageText } from '../../shared/contract/fields.ts';
import { Id } from '../../shared/contract/ids.ts';
import { encodeMessage, type Message } from '../../shared/contract/messages.ts';
import { validate } from '../edge/validate.ts';
import type { Gateway } from '../gateway.ts';
import type { Response } from '../http/http.ts';
import { authenticated } from './authenticated.ts';
import { wholeNumber } from './paging.ts';
import { submitOverHttp } from './submit.ts';

const NewText = v.strictObject({ text: MessageText });

const Seq = wholeNumber(0, Number.MAX_SAFE_INTEGER);

/** A page by its number, as in the seed, or what lies before or after a seq. */
const HistoryPage = v.pipe(
  v.strictObject({
    page: v.optional(wholeNumber(1, 1_000_000)),
    before: v.optional(Seq),
    after: v.optional(Seq),
    size: v.optional(wholeNumber(1, 100), '10'),
  }),
  v.check(({ page, before, after }) => [page, before, after].filter((each) => each !== undefined).length <= 1),
);

/** `GET /api/messages/:room_id?page=1&size=10`: newest first. */
export const listMessages = (gateway: Gateway) =>
  authenticated(gateway, async ({ parameters, query }, userId) => {
    const roomId = validate(Id, parameters[0]);
    const range = validate(HistoryPage, Object.fromEntries(query));
    if (!(await gateway.reads.isVisible(roomId, userId))) throw new Refusal('no_such_room');
    const messages = await gateway.reads.history(roomId, range);
    return { status: 200, body: `[${messages.map(encodeMessage).join()}]` };
  });

/** `POST /api/messages/:room_id` */
export const createMessage = (gateway: Gateway) =>
  authenticated(gateway, async (request, userId) => {
    const { text } = await request.body(NewText);
    const command = validate(CreateMessage, { command: 'CreateMessage', roomId: request.parameters[0], text });
    return { status: 201, body: encodeMessage(await submitOverHttp(gateway, request, userId, command)) };
  });

/** `PUT /api/messages/:id`: answers the message with its new text. */
export const updateMessage = (gateway: Gateway) =>
  authenticated(gateway, async (request, userId) => {
    const { text } = await request.body(NewText);
    const { id, roomId } = await findMessage(gateway, request.parameters[0], userId);
    const command = validate(UpdateMessage, { command: 'UpdateMessage', roomId, targetId: id, text });
    await submitOverHttp(gateway, request, userId, command);
    return answerMessage(gateway, id, userId);
  });

/** `DELETE /api/messages/:id`: answers the message, which keeps its place with an empty text. */
export const deleteMessage = (gateway: Gateway) =>
  authenticated(gateway, async (request, userId) => {
    const { id, roomId } = await findMessage(gateway, request.parameters[0], userId);
    const command = validate(DeleteMessage, { command: 'DeleteMessage', roomId, targetId: id });
    await submitOverHttp(gateway, request, userId, command);
    return answerMessage(gateway, id, userId);
  });

/** @throws Refusal `no_such_message` also if the user may not see its room */
async function findMessage({ reads }: Gateway, parameter: string | undefined, userId: string): Promise<Message> {
  const message = await reads.messageById(validate(Id, parameter), userId);
  if (!message) throw new Refusal('no_such_message');
  return message;
}

async function answerMessage(gateway: Gateway, id: string, userId: string): Promise<Response> {
  return { status: 200, body: encodeMessage(await findMessage(gateway, id, userId)) };
}
