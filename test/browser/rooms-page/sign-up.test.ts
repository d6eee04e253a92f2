import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRooms } from './rooms-system.ts';
import { Visitor } from './visitor.ts';

const { browser, urls, database } = await startRooms({ ALLOWED_USERS_ONLY: 'true' });

for (const device of ['desktop', 'phone'] as const) {
  // Who gets the role admin from the allow-list must first prove their e-mail.
  test(`a person signs up with the mailed code, which the page shows, on a ${device}`, async () => {
    const eve = await Visitor.open({ browser, url: urls[0], firstName: 'Eve', device });
    await database`insert into allowed_users (email, role) values (${eve.email}, 'admin')`;
    await eve.fillSignUp();
    await eve.click('Sign up');
    const shown = await eve.page.getByText(/the mailed code is \d{6}/).textContent();
    await eve.seeNoFindings('the form for the code');
    await eve.fill({ Phone: '123456789', Code: '000000' === shown?.match(/\d{6}/)?.[0] ? '111111' : '000000' });
    await eve.click('Sign up');
    await eve.page.getByText('This code is wrong, used or expired.').waitFor();
    await eve.fill({ Code: /\d{6}/.exec(shown ?? '')?.[0] ?? '' });
    await eve.click('Sign up');
    await eve.see('Connected');
    assert.deepEqual(eve.takeFaults(/status (of )?40[13]/), []);
  });
}
