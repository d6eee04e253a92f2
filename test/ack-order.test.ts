import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Client } from './support/client.ts';
import { openTestGateway } from './support/in-process.ts';
import { until } from './support/until.ts';

const { url, database, addUser, openAnother } = await openTestGateway();

/** Makes the commit of a message with the text `held` last until the table `held` is empty. */
await database.unsafe(`
  create table held as select 1;
  create function wait_at_commit() returns trigger language plpgsql as $$
  begin
    while exists (select from held) loop perform pg_sleep(0.01); end loop;
    return null;
  end $$;
  create constraint trigger wait_at_commit after insert on messages deferrable initially deferred
    for each row when (new.text = 'held') execute function wait_at_commit()`);

test('an Ack arrives only after the message is committed', async () => {
  const [ann, bob, other] = [await addUser('Ann'), await addUser('Bob'), await openAnother()];
  const [sender, witness] = [await Client.connect(url, ann.token), await Client.connect(other.url, bob.token)];
  after(() => Promise.all([sender.close(), witness.close()]));
  const { roomId } = await sender.commit({ command: 'CreateRoom', text: 'the room of Ann' });
  const { roomId: shared } = await witness.commit({ command: 'CreateRoom', text: 'the room of Bob' });
  await witness.commit({ command: 'AddUser', roomId: shared, targetId: ann.id });
  const ack = sender.ask({ command: 'CreateMessage', roomId, text: 'held' });
  await until(async () => {
    const rows = await database`
      select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;
    return rows.length > 0;
  });
  // This message reaches the sender over the same connections as an Ack that was published before the commit.
  const before = sender.frames.filter(({ command }) => command === 'Ack').length;
  await witness.commit({ command: 'CreateMessage', roomId: shared, text: 'a witness' });
  await sender.waitForMessage({ text: 'a witness' });
  assert.equal(sender.frames.filter(({ command }) => command === 'Ack').length, before);
  await database`delete from held`;
  const { command } = await ack;
  assert.equal(command, 'Ack');
  const rows = await database`select from messages where text = 'held'`;
  assert.equal(rows.length, 1);
});
