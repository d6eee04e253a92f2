import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cases } from '../../shared/client/kit/cases.ts';
import { programClient } from '../../shared/client/kit/client-under-test.ts';
import { runCases } from '../../shared/client/kit/run-cases.ts';
import { User } from '../../shared/contract/answers.ts';
import { startChild } from '../../shared/local/child.ts';
import { bodyOf } from '../support/answer-checks.ts';
import { type Account, Client, call, createAccount, PASSWORD } from '../support/client.ts';
import { startSystem, testServices } from '../support/system.ts';
import { until } from '../support/until.ts';
import { prepareBots } from './prepare-bots.ts';

const MESSAGES_OF_PART = 10;

const bots = await prepareBots();
const { cluster } = await startSystem({ gateways: 2, workers: 1 });
const [botUrl, url] = cluster.urls as [string, string];
const writer = await createAccount(url, 'Writer');

for (const { language, command = [], why } of bots) {
  test(`the bot in ${language} passes every case of the conformance kit`, { skip: why || false }, async () => {
    const results = await runCases(cases, programClient([...command, '--kit']));
    assert.deepEqual(
      results.filter((result) => result.why !== undefined),
      [],
    );
  });

  test(`the bot in ${language} answers each message once, also while its gateway is killed`, {
    skip: why || false,
  }, async () => {
    const account = await createAccount(url, 'Robot');
    const client = await Client.connect(url, writer.token);
    after(() => client.close());
    const { roomId } = await client.commit({ command: 'CreateRoom', text: `a room for ${language}` });
    await client.commit({ command: 'AddUser', roomId, targetId: account.id });
    const bot = startChild({
      name: language,
      command: [...command, botUrl, account.email, PASSWORD],
      output: join(testServices().home, `bot-${language}.log`),
    });
    after(() => bot.stop());
    await until(() => isOnline(account, writer));

    const texts: string[] = [];
    const write = async () => {
      for (let count = 0; count < MESSAGES_OF_PART; count++) {
        const text = `text ${texts.length}`;
        texts.push(text);
        await client.commit({ command: 'CreateMessage', roomId, text });
      }
    };
    await write();
    const [gateway] = cluster.gateways;
    assert.ok(gateway);
    process.kill(gateway.pid, 'SIGKILL');
    await write();
    await gateway.ended;
    cluster.gateways.shift();
    await cluster.startGateway(Number(new URL(botUrl).port));
    cluster.gateways.unshift(...cluster.gateways.splice(-1));
    await write();
    for (const text of texts) await client.waitForMessage({ roomId, text: `echo: ${text}` });
    await bot.stop();
    await client.roundTrip();
    const answers = client.messages(roomId).filter(({ userId }) => userId === account.id);
    assert.deepEqual(answers.map(({ text }) => text).sort(), texts.map((text) => `echo: ${text}`).sort());
  });
}

async function isOnline({ id }: Account, { token }: Account): Promise<boolean> {
  return bodyOf(User, await call(url, `GET /api/users/${id}`, { token })).isOnline;
}
