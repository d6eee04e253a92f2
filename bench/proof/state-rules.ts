import { eventsOf, type History, type Membership, rowsOfRooms } from './history.ts';
import { findMemberships } from './membership-spans.ts';

/** The rules that compare the tables with the messages which made them. */
export const stateRules = {
  'the members of a room are those that its messages made': findWrongMembers,
  'a message has the text of its last change': findWrongTexts,
};

function findWrongMembers(history: History): string[] {
  const folded = findMemberships(history).filter(({ to }) => to === undefined);
  const [fromMessages, stored] = [namesOf(folded), namesOf(history.memberships)];
  return [
    ...[...fromMessages].filter((name) => !stored.has(name)).map((name) => `${name} was added, and is no member`),
    ...[...stored].filter((name) => !fromMessages.has(name)).map((name) => `${name} is a member, and was not added`),
  ];
}

function namesOf(memberships: Membership[]): Set<string> {
  return new Set(memberships.map(({ roomId, userId }) => `user ${userId} of room ${roomId}`));
}

/** Folds what was sent, not what is stored: an edit erases the text of the edit before it. */
function findWrongTexts(history: History): string[] {
  const sentText = new Map(eventsOf(history, 'sent').map(({ ref, text }) => [ref, text]));
  return [...rowsOfRooms(history)].flatMap(([roomId, rows]) => {
    const texts = new Map<string, string | undefined>();
    for (const { command, id, targetId, ref } of rows) {
      if (command === 'CreateMessage') texts.set(id, sentText.get(ref));
      if (command === 'UpdateMessage') texts.set(targetId, sentText.get(ref));
      if (command === 'DeleteMessage') texts.set(targetId, '');
    }
    return rows
      .filter(({ id, text }) => texts.get(id) !== undefined && texts.get(id) !== text)
      .map(({ id, seq, text }) => `message ${seq} of room ${roomId} is "${text}" where "${texts.get(id)}" is expected`);
  });
}
