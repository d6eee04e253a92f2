import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { chromium } from 'playwright-core';
import { startSystem } from '../support/system.ts';
import { findChromium } from './find-chromium.ts';
import { servePage } from './page-server.ts';
import { Person } from './person.ts';

// Ann and Bob use a page like the web client of the original. They use different gateways.

/** How Chromium reports a request to a gateway that does not run. */
const UNREACHABLE = /net::ERR_(CONNECTION_\w+|EMPTY_RESPONSE)/;

const system = await startSystem({
  gateways: 2,
  workers: 1,
  mail: true,
  env: { ENVIRONMENT: 'dev', WS_QUERY_TOKEN: 'true' },
});
const pageOrigin = await servePage();
const isHeaded = Boolean(process.env.HEADED);
// By default, Playwright starts Chromium with --no-sandbox. For root, Chromium does not start without this option.
const browser = await chromium.launch({
  executablePath: findChromium() ?? 'chromium',
  headless: !isHeaded,
  slowMo: isHeaded ? 300 : 0,
});
after(() => browser.close());

const [ann, bob] = [await openPage('Ann', 0), await openPage('Bob', 1)];

afterEach(() => {
  for (const person of [ann, bob])
    assert.deepEqual(person.traffic.faults, [], `faults on the page of ${person.firstName}`);
});

async function openPage(firstName: string, gateway: number): Promise<Person> {
  const pageUrl = `${pageOrigin}/?server=${system.cluster.urls[gateway]}`;
  return Person.open({ browser, mailbox: system.mailbox, pageUrl, firstName });
}

/** Ann creates a room and adds Bob. Both pages show the room. Each person sees only their own e-mail. */
async function openSharedRoom(name: string): Promise<void> {
  await ann.createRoom(name);
  await ann.addUser(bob);
  await bob.seeRoom(name);
  await ann.seeLine('Bob joined the room');
  await ann.seeMembers([`Ann Example ${ann.email}`, 'Bob Example']);
}

async function bothSee(line: string): Promise<void> {
  await Promise.all([ann.seeLine(line), bob.seeLine(line)]);
}

async function bothSeeExactly(lines: string[]): Promise<void> {
  await Promise.all([ann.seeLines(lines), bob.seeLines(lines)]);
}

test('two people register and log in with mailed codes, and their pages open General', async () => {
  await Promise.all([ann.register(), bob.register()]);
  await Promise.all([ann.logIn(), bob.logIn()]);
  for (const { traffic } of [ann, bob]) {
    assert.deepEqual(traffic.requests, [
      ...['POST users/send-otp', 'POST users/register-otp', 'POST users/send-otp', 'POST users/login-otp'],
      ...['GET rooms/announcements', 'GET rooms/general', 'GET users/current'],
      ...['GET ws/', 'GET users/all', 'GET messages/general'],
    ]);
    assert.deepEqual([...traffic.preflights].toSorted(), ['authorization,content-type', 'content-type']);
  }
});

test('two people write in General and see the names of each other', async () => {
  await ann.write('hello Bob');
  await bob.seeLine('Ann: hello Bob');
  await bob.write('hello Ann');
  const lines = ['Ann: hello Bob', 'Bob: hello Ann'];
  await bothSeeExactly(lines);
  await Promise.all([ann.reload(), bob.reload()]);
  await bothSeeExactly(lines);
});

test('a room opens on the page of its creator, and on the page of a user who is added', async () => {
  await openSharedRoom('Tea room');
  await ann.write('tea?');
  await bob.seeLine('Ann: tea?');
  await bob.write('yes');
  await bothSeeExactly(['Room created', 'Bob joined the room', 'Ann: tea?', 'Bob: yes']);
  await bob.seeMembers(['Ann Example', `Bob Example ${bob.email}`]);
});

test('an edited message shows "(edited)" and a deleted one "deleted", at once and after a reload', async () => {
  await openSharedRoom('Edits');
  await ann.write('first');
  await ann.write('second');
  await bothSee('Ann: second');
  await ann.edit('Ann: first', 'changed');
  await ann.deleteMessage('Ann: second');
  const lines = ['Room created', 'Bob joined the room', 'Ann: changed (edited)', 'Ann: deleted'];
  await bothSeeExactly(lines);
  for (const person of [ann, bob]) {
    await person.reload();
    await person.openRoom('Edits');
  }
  await bothSeeExactly(lines);
});

test('a member who is removed receives the frame of the removal and nothing more of the room', async () => {
  await openSharedRoom('Removal');
  await ann.removeUser(bob);
  await bothSee('Bob left the room');
  await ann.write('without Bob');
  await ann.seeLine('Ann: without Bob');
  await assertNotReceived(bob, 'without Bob');
  await bob.reload();
  await bob.seeNoRoom('Removal');
});

test('a member who was removed is added again, and leaves', async () => {
  await openSharedRoom('Return');
  await ann.removeUser(bob);
  await bothSee('Bob left the room');
  await bob.openRoom('General');
  await ann.addUser(bob);
  await bob.seeRoom('Return');
  await bob.leave();
  const [joined, left] = ['Bob joined the room', 'Bob left the room'];
  await bothSeeExactly(['Room created', joined, left, joined, left]);
  await ann.write('Bob is not here');
  await ann.seeLine('Ann: Bob is not here');
  await assertNotReceived(bob, 'Bob is not here');
});

test('a deleted room disappears from the lists of all members', async () => {
  await openSharedRoom('Short life');
  await ann.deleteRoom('Short life');
  for (const person of [ann, bob]) {
    await person.seeNoRoom('Short life');
    await person.seeFirstOwnRoom();
    await person.reload();
    await person.seeNoRoom('Short life');
  }
});

test('a person who closes the tab and comes back is logged in and sees the same rooms and messages', async () => {
  await openSharedRoom('Memory');
  await ann.write('remember this');
  await bob.closeTabAndComeBack();
  await bob.openRoom('Memory');
  await bob.write('I do');
  await bothSeeExactly(['Room created', 'Bob joined the room', 'Ann: remember this', 'Bob: I do']);
});

test('a page that stays open while its gateway restarts connects again', async () => {
  const [, gateway] = system.cluster.gateways;
  const port = Number(new URL(system.cluster.urls[1] ?? '').port);
  await gateway?.stop();
  await bob.seeOffline();
  await ann.openRoom('General');
  await ann.write('are you there?');
  await ann.seeLine('Ann: are you there?');
  await system.cluster.startGateway(port);
  await bob.seeGeneral();
  await bob.seeLine('Ann: are you there?');
  await bob.write('here I am');
  await bothSee('Bob: here I am');
  const otherFaults = bob.traffic.faults.splice(0).filter((fault) => !UNREACHABLE.test(fault));
  assert.deepEqual(otherFaults, []);
});

test('a user who posts to announcements sees the text of the refusal, and can write elsewhere', async () => {
  await ann.openRoom('Announcements');
  await ann.write('an announcement');
  const refusal = await ann.seeRefusal();
  assert.equal(refusal, ann.traffic.frames.findLast(({ command }) => command === 'Error')?.error);
  await ann.seeLines([]);
  await ann.openRoom('General');
  await ann.write('only a message');
  await bothSee('Ann: only a message');
});

/** Asserts that no frame with this text reached the person, whose socket still receives the messages of General. */
async function assertNotReceived(person: Person, text: string): Promise<void> {
  const later = `after "${text}"`;
  await Promise.all([ann.openRoom('General'), person.openRoom('General')]);
  await ann.write(later);
  await person.seeLine(`Ann: ${later}`);
  const texts = person.traffic.frames.map((frame) => frame.text);
  assert.ok(texts.includes(later) && !texts.includes(text), texts.join());
}
