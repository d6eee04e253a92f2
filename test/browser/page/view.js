// Shows rooms, members and messages. Text of users only becomes text nodes, never HTML.

/** @param onDelete is called with the id of a room. Without it, the rooms have no Delete button */
export function showRooms(selector, rooms, { onOpen, onDelete }) {
  const items = rooms.map(({ id, name }) => [
    button(name, () => onOpen(id)),
    ...(onDelete ? [button('Delete', () => onDelete(id))] : []),
  ]);
  showItems(selector, items);
}

/** @param onRemove is called with the id of a member, or is false if the user may not remove members */
export function showMembers(members, ownId, onRemove) {
  const items = members.map(({ id, firstName, lastName, email }) => [
    paragraph(`${firstName} ${lastName} ${email}`.trim()),
    ...(onRemove && id !== ownId ? [button('Remove', () => onRemove(id))] : []),
  ]);
  showItems('#members', items);
}

/** @param names the name of each author by id */
export function showMessages(messages, names, ownId, { onEdit, onDelete }) {
  const items = messages.map((message) => {
    const { id, userId, command } = message;
    const isOwn = userId === ownId && (command === 'CreateMessage' || command === 'UpdateMessage');
    return [
      paragraph(describe(message, names)),
      ...(isOwn ? [button('Edit', () => onEdit(id)), button('Delete', () => onDelete(id))] : []),
    ];
  });
  showItems('#messages', items);
}

function describe({ userId, command, text }, names) {
  switch (command) {
    case 'CreateMessage':
      return `${names.get(userId)}: ${text}`;
    case 'UpdateMessage':
      return `${names.get(userId)}: ${text} (edited)`;
    case 'DeleteMessage':
      return `${names.get(userId)}: deleted`;
    default:
      return text;
  }
}

function showItems(selector, items) {
  document.querySelector(selector).replaceChildren(...items.map((children) => element('li', {}, children)));
}

const paragraph = (textContent) => element('p', { textContent });

const button = (textContent, onclick) => element('button', { textContent, onclick, type: 'button' });

function element(tag, properties, children = []) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}
