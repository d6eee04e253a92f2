import type { Redis } from 'ioredis';
import type { Broadcast, ChannelNames, Notice } from '../shared/contract/channels.ts';
import { encodeBroadcasts } from '../shared/contract/channels.ts';
import type { Reply } from '../shared/contract/jobs.ts';
import { encodeMessage, type Message, membershipChange } from '../shared/contract/messages.ts';
import { encodeVersioned } from '../shared/contract/versions.ts';

/** A payload, and the Redis channel on which it is published. */
export type Publication = [channel: string, payload: string];

/** Notices or broadcasts. A larger publication would stop the event loops of the gateways for longer. */
const MAX_ITEMS_OF_PUBLICATION = 500;

/**
 * The publications after a batch is stored: the new messages and the invitations. A repeated message was stored before,
 * and its publication may be lost. For such a message only the head of its room (the seq of the last message) is
 * published, so that the gateways read what they missed.
 */
export function publicationsOf(newMessages: Message[], earlierMessages: Message[], names: ChannelNames): Publication[] {
  const lastSeqs = new Map<string, number>();
  for (const { roomId, seq } of earlierMessages) lastSeqs.set(roomId, Math.max(seq, lastSeqs.get(roomId) ?? 0));
  const heads = [...lastSeqs].map(([roomId, seq]) => headOf(roomId, seq));
  return [
    ...noticePublications(invitations([...newMessages, ...earlierMessages]), names),
    ...broadcastPublications([...broadcastsOf(newMessages), ...heads], names),
  ];
}

/** The broadcast of a head. A gateway that has not delivered the messages up to this seq then reads them. */
export function headOf(roomId: string, head: number): Broadcast {
  return { roomId, head, changes: [], records: [] };
}

/** One publication for each channel, or several for a channel with many broadcasts. */
export function broadcastPublications(broadcasts: Broadcast[], names: ChannelNames): Publication[] {
  const byChannel = new Map<string, Broadcast[]>();
  for (const broadcast of broadcasts) {
    const channel = names.room(broadcast.roomId);
    const sameChannel = byChannel.get(channel);
    if (sameChannel) sameChannel.push(broadcast);
    else byChannel.set(channel, [broadcast]);
  }
  return [...byChannel].flatMap(([channel, list]) =>
    partsOf(list).map((part): Publication => [channel, encodeBroadcasts(part)]),
  );
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
export function invitations(messages: Message[]): Notice[] {
  return messages.flatMap((message) => {
    const change = membershipChange(message);
    if (!change?.isMember) return [];
    return [{ userId: change.userId, invitation: { roomId: message.roomId, seq: message.seq } }];
  });
}

/** All notices share one channel, so notices that are made together share a publication. */
export function noticePublications(notices: Notice[], names: ChannelNames): Publication[] {
  return partsOf(notices).map((part) => [names.notices, encodeVersioned({ notices: part })]);
}

/** The items of each publication, in order. */
function partsOf<Item>(items: Item[]): Item[][] {
  const parts: Item[][] = [];
  for (let first = 0; first < items.length; first += MAX_ITEMS_OF_PUBLICATION) {
    parts.push(items.slice(first, first + MAX_ITEMS_OF_PUBLICATION));
  }
  return parts;
}

/** Messages of a room with consecutive seqs share one broadcast. */
function broadcastsOf(messages: Message[]): Broadcast[] {
  const last = new Map<string, Broadcast>();
  const all: Broadcast[] = [];
  for (const message of messages) {
    let broadcast = last.get(message.roomId);
    if (broadcast?.head !== message.seq - 1) {
      broadcast = headOf(message.roomId, 0);
      last.set(message.roomId, broadcast);
      all.push(broadcast);
    }
    append(broadcast, message);
  }
  return all;
}

function append(broadcast: Broadcast, message: Message): void {
  const change = membershipChange(message);
  if (change) broadcast.changes.push(change);
  broadcast.records.push(encodeMessage(message));
  broadcast.head = message.seq;
}
