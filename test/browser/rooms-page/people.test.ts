import { test } from 'node:test';
import { startRooms } from './rooms-system.ts';
import { Visitor } from './visitor.ts';

// Who is online and who types, as the page shows it, with two gateways.

const { browser, urls } = await startRooms();

test('a person sees who types, and who comes and goes', async () => {
  const ann = await Visitor.open({ browser, url: urls[0], firstName: 'Ann', device: 'desktop' });
  const bob = await Visitor.open({ browser, url: urls[1], firstName: 'Bob', device: 'desktop' });
  await ann.signUp();
  await bob.signUp();
  await ann.createRoom('Tea room', 'Public');
  await bob.findAndJoin('Tea room');
  await ann.click('Members');
  const bobIn = (state: string) => ann.page.getByRole('button', { name: new RegExp(`Bob Example${state}`) });
  await bobIn('.*Online').waitFor();

  await bob.page.getByRole('textbox', { name: /message/i }).pressSequentially('Hello');
  await ann.see('Bob Example is typing …');
  await bob.page.keyboard.press('Enter');
  await ann.page.getByText('Bob Example is typing …').waitFor({ state: 'detached' });

  await bob.context.close();
  await bobIn('$').waitFor();
  await ann.context.close();
});
