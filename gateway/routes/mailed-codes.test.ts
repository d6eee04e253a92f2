import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseConfig } from '../../shared/config.ts';
import type { MailedCode } from '../../shared/contract/answers.ts';
import { writeMail } from '../../shared/local/mail.ts';
import { mailFileName } from '../../shared/mail-files.ts';
import { openTestGateway } from '../../test/support/in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mails-'));
after(() => rmSync(folder, { recursive: true }));
const development = await openTestGateway({ ENVIRONMENT: 'dev', CAUGHT_MAILS: folder });
const production = await openTestGateway();

async function get(url: string, path: string) {
  const answer = await fetch(url + path);
  return { status: answer.status, body: (await answer.json()) as unknown };
}

test('a gateway for development shows the newest code that was mailed to an address', async () => {
  const mail = (code: string) => `Subject: code\r\n\r\n${code} is your code. It works once.`;
  const read = async (email: string) => (await get(development.url, `/api/mailed-codes/${email}`)).body as MailedCode[];
  assert.deepEqual(await read('ann@example.com'), []);
  writeFileSync(join(folder, mailFileName('ann@example.com', new Date('2026-01-02T03:04:05.678Z'))), mail('111111'));
  assert.deepEqual(await read('ann@example.com'), [{ code: '111111', sentAt: '2026-01-02T03:04:05.678Z' }]);
  writeMail(folder, { from: '', to: 'Ann@example.com', subject: '', text: '', html: '', source: mail('222222') });
  writeMail(folder, { from: '', to: 'bob@example.com', subject: '', text: '', html: '', source: mail('333333') });
  writeMail(folder, { from: '', to: 'eve@example.com', subject: '', text: '', html: '', source: 'no code' });
  for (const [email, code] of [
    ['ann@example.com', '222222'],
    ['BOB@example.com', '333333'],
  ])
    assert.equal((await read(email as string))[0]?.code, code);
  assert.deepEqual(await read('eve@example.com'), []);
  assert.deepEqual(await get(development.url, '/api/settings'), { status: 200, body: { showsCodes: true } });
});

test('a gateway that does not have the folder of mails shows no code', async () => {
  const { status, body } = await get(production.url, '/api/mailed-codes/ann@example.com');
  assert.deepEqual([status, (body as { code: string }).code], [404, 'no_such_route']);
  assert.deepEqual(await get(production.url, '/api/settings'), { status: 200, body: { showsCodes: false } });
});

test('production refuses the folder of mails', () => {
  for (const ENVIRONMENT of ['production', '', 'staging'])
    assert.throws(
      () => parseConfig({ ENVIRONMENT, CAUGHT_MAILS: '.rooms/mail' }, ['CAUGHT_MAILS']),
      /CAUGHT_MAILS must not/,
    );
  assert.deepEqual(parseConfig({ ENVIRONMENT: 'production' }, ['CAUGHT_MAILS']), { CAUGHT_MAILS: undefined });
});
