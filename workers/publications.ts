import type { Redis } from 'ioredis';
import type { Broadcast, ChannelNames, Notice, Revocation } from '../shared/contract/channels.ts';
import { encodeBroadcast } from '../shared/contract/channels.ts';
import type { Reply } from '../shared/contract/jobs.ts';
import { encodeMessage, type Message, membershipChange } from '../shared/contract/messages.ts';
import { encodeVersioned } from '../shared/contract/versions.ts';

/** A payload, and the Redis channel on which it is published. */
export type Publication = [channel: string, payload: string];

/**
 * The publications after a batch is stored: the new messages and the invitations. A repeated message was stored before,
 * and its publication may be lost. For such a message only the head of its room (the seq of the last message) is
 * published, so that the gateways read what they missed.
 */
export function publicationsOf(newMessages: Message[], earlierMessages: Message[], names: ChannelNames): Publication[] {
  const heads = earlierMessages.map(({ roomId, seq }): Publication => headPublication(names, roomId, seq));
  return [
    ...invitations([...newMessages, ...earlierMessages], names),
    ...roomPublications(newMessages, names),
    ...heads,
  ];
}

/** The publication of a head. A gateway that has not delivered the messages up to this seq then reads them. */
export function headPublication(names: ChannelNames, roomId: string, head: number): Publication {
  return [names.room(roomId), encodeBroadcast({ head, changes: [], records: [] })];
}

export function replyPublication(names: ChannelNames, gateway: string, reply: Reply): Publication {
  return [names.gateway(gateway), encodeVersioned(reply)];
}

/** @throws Error if Redis did not accept all publications. Redis may have accepted some of them. */
export async function publish(redis: Redis, publications: Publication[]): Promise<void> {
  const pipeline = redis.pipeline();
  for (const [channel, payload] of publications) pipeline.publish(channel, payload);
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
}

/** An invitation for each user that these messages make a member of a room. */
export function invitations(messages: Message[], names: ChannelNames): Publication[] {
  return messages.flatMap((message) => {
    const change = membershipChange(message);
    if (!change?.isMember) return [];
    const invitation = { roomId: message.roomId, seq: message.seq };
    return [noticePublication(names, change.userId, { invitation })];
  });
}

export function revocationPublication(names: ChannelNames, userId: string, revocation: Revocation): Publication {
  return noticePublication(names, userId, { revocation });
}

function noticePublication(names: ChannelNames, userId: string, notice: Notice): Publication {
  return [names.user(userId), encodeVersioned(notice)];
}

/** Messages of a room with consecutive seqs share one broadcast. */
function roomPublications(messages: Message[], names: ChannelNames): Publication[] {
  const last = new Map<string, Broadcast>();
  const all: [roomId: string, Broadcast][] = [];
  for (const message of messages) {
    let broadcast = last.get(message.roomId);
    if (broadcast?.head !== message.seq - 1) {
      broadcast = { head: 0, changes: [], records: [] };
      last.set(message.roomId, broadcast);
      all.push([message.roomId, broadcast]);
    }
    append(broadcast, message);
  }
  return all.map(([roomId, broadcast]) => [names.room(roomId), encodeBroadcast(broadcast)]);
}

function append(broadcast: Broadcast, message: Message): void {
  const change = membershipChange(message);
  if (change) broadcast.changes.push(change);
  broadcast.records.push(encodeMessage(message));
  broadcast.head = message.seq;
}
