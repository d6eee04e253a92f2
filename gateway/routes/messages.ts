import * as v from 'valibot';
import { CreateMessage, MessageText } from '../../shared/commands.ts';
import { Refusal } from '../../shared/errors.ts';
import { Id } from '../../shared/ids.ts';
import { encodeMessage } from '../../shared/messages.ts';
import type { Gateway } from '../gateway.ts';
import type { Handler } from '../http.ts';
import { validate } from '../validate.ts';
import { created, submitOverHttp } from './commands.ts';

const NewMessage = v.strictObject({ text: MessageText });

const wholeNumber = (most: number, otherwise: string) =>
  v.optional(v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number), v.minValue(1), v.maxValue(most)), otherwise);
const Page = v.strictObject({ page: wholeNumber(1_000_000, '1'), size: wholeNumber(100, '10') });

/** `GET /api/messages/:room_id?page=1&size=10`: newest first. */
export const listMessages =
  ({ reads, tokens }: Gateway): Handler =>
  async ({ headers, parameters, query }) => {
    const userId = await tokens.verify(headers.get('authorization'));
    const roomId = validate(Id, parameters[0]);
    const { page, size } = validate(Page, Object.fromEntries(query));
    if (!(await reads.room(roomId, userId))) throw new Refusal('no_such_room');
    const messages = await reads.history(roomId, page, size);
    return { status: 200, body: `[${messages.map(encodeMessage).join()}]` };
  };

/** `POST /api/messages/:room_id` */
export const createMessage =
  (gateway: Gateway): Handler =>
  async (request) => {
    await gateway.tokens.verify(request.headers.get('authorization'));
    const { text } = await request.body(NewMessage);
    const command = validate(CreateMessage, { command: 'CreateMessage', roomId: request.parameters[0], text });
    return created(await submitOverHttp(gateway, request, command));
  };
