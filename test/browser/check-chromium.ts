import { findChromium } from './find-chromium.ts';

// Ends with exit code 1 if there is no Chromium.

const { CHROMIUM } = process.env;
if (!findChromium()) {
  const advice = CHROMIUM
    ? `The variable CHROMIUM names no program: ${CHROMIUM}`
    : 'Install it with: apt-get install chromium';
  process.stderr.write(`The browser test needs Chromium. ${advice}\n`);
  process.exit(1);
}
