// A page that works like the web client of the original Go server. It sends the requests and frames of that client.

import { showAccountForms } from './account.js';
import { call, openSocket } from './server.js';
import { showMembers, showMessages, showRooms } from './view.js';

const RELOAD_AFTER_MS = 500;
/** Clients of the original fill all four fields of a frame, also those that the command does not use. */
const ANYTHING = 'anything';

const standingRooms = {};
let user;
let names;
let socket;
let room;
let messages;
/** The id of the message that the form changes. Without it, the form writes a new message. */
let editedId;

const find = (selector) => document.querySelector(selector);

addEventListener('unhandledrejection', ({ reason }) => showError(reason.message));
find('#write').onsubmit = (event) => submit(event, write);
find('#create-room').onsubmit = (event) => submit(event, ({ name }) => send('CreateRoom', ANYTHING, ANYTHING, name));
find('#add-user').onsubmit = (event) => submit(event, addUser);
find('#leave').onclick = () => send('RemoveUser', room.id, user.id);
if (localStorage.getItem('token')) void start();
else showAccountForms(start);

async function start() {
  try {
    standingRooms.announcements = await call('GET', 'rooms/announcements');
    standingRooms.general = await call('GET', 'rooms/general');
    await loadUser();
    connect();
    const users = await call('GET', 'users/all');
    names = new Map(users.map(({ id, firstName }) => [id, firstName]));
    await open('general');
    find('#chat').hidden = false;
  } catch (error) {
    showError(error.message);
    reloadSoon();
  }
}

function connect() {
  socket = openSocket();
  socket.onopen = () => showStatus('online');
  socket.onclose = reloadSoon;
  socket.onmessage = ({ data }) => receive(JSON.parse(data));
}

function reloadSoon() {
  showStatus('offline');
  setTimeout(() => location.reload(), RELOAD_AFTER_MS);
}

async function loadUser() {
  user = await call('GET', 'users/current');
  showRooms('#standing-rooms', [standingRooms.general, standingRooms.announcements], { onOpen: open });
  showRooms('#own-rooms', user.rooms, { onOpen: open, onDelete: (id) => send('DeleteRoom', id, id) });
}

async function open(id) {
  const opened = standingRooms[id] ?? (await call('GET', `rooms/${id}`));
  const newestFirst = await call('GET', `messages/${id}`);
  room = opened;
  messages = new Map(newestFirst.toReversed().map((message) => [message.id, message]));
  showRoom();
}

function showRoom() {
  const isOwner = room.ownerId === user.id;
  find('#room-name').textContent = room.name;
  find('#add-user').hidden = !isOwner;
  find('#leave').hidden = isOwner || room.id in standingRooms;
  showMembers(room.users, user.id, isOwner && ((id) => send('RemoveUser', room.id, id)));
  showMessages([...messages.values()], names, user.id, {
    onEdit: startEdit,
    onDelete: (id) => send('DeleteMessage', room.id, id),
  });
}

function submit(event, action) {
  event.preventDefault();
  action(Object.fromEntries(new FormData(event.target)));
  event.target.reset();
}

function write({ text }) {
  if (editedId) send('UpdateMessage', room.id, editedId, text);
  else send('CreateMessage', room.id, room.id, text);
  editedId = undefined;
}

function startEdit(id) {
  editedId = id;
  find('#write').elements.text.value = messages.get(id).text;
}

async function addUser({ email }) {
  const found = await call('GET', `users/email/${encodeURIComponent(email)}`);
  const target = found.find((each) => each.email === email);
  if (target) send('AddUser', room.id, target.id);
  else showError('no user has this e-mail');
}

function send(command, roomId, targetId, text = ANYTHING) {
  showError('');
  socket.send(JSON.stringify({ text, command, targetId, roomId }));
}

async function receive(frame) {
  const { command, roomId, targetId } = frame;
  if (command === 'Error') return showError(frame.error);
  if (command === 'CreateRoom' || (command === 'AddUser' && targetId === user.id)) {
    await loadUser();
    return open(roomId);
  }
  if (command === 'DeleteRoom') {
    await loadUser();
    return open(user.rooms[0]?.id ?? 'general');
  }
  if (roomId !== room?.id) return;
  showFrame(frame);
  if ((command === 'AddUser' || command === 'RemoveUser') && targetId !== user.id) await reloadMembers();
}

function showFrame(frame) {
  const { id, command, targetId, text } = frame;
  const isChange = command === 'UpdateMessage' || command === 'DeleteMessage';
  if (!isChange) messages.set(id, frame);
  // The changed message may be older than the history on the page.
  else if (messages.has(targetId)) messages.set(targetId, { ...messages.get(targetId), command, text });
  showRoom();
}

async function reloadMembers() {
  const shownRoom = room;
  const { users } = await call('GET', `rooms/${shownRoom.id}`);
  shownRoom.users = users;
  showRoom();
}

function showStatus(status) {
  find('#status').value = status;
}

function showError(text) {
  find('#error').textContent = text;
}
