// The README's picture: a checkout with customers, of whom one is stuck.
"use strict";
const { launch, context, open, SCREENS } = require("./browser");
const { order, send, wait } = require("./traffic");

const HEIGHT = 1330;
const SECONDS = 60;

async function main() {
  const begin = Date.now();
  wait("/products/lost-lamp");
  for (let second = 0; second < SECONDS; second += 1) {
    // more by and by, and a card that is declined, and a panic
    const asked = Array.from({ length: 4 + Math.round(6 * Math.sin(second / 9) ** 2) }, () => send("/products/lamp"));
    asked.push(order("lamp", "4242"), order("lamp", second === 21 ? "0000" : "4242"));
    if (second === 41) asked.push(send("/panic"));
    if (second % 3 === 0) asked.push(send("/products/slow-lamp"));
    await Promise.all(asked);
    // the plots are over time
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, begin + 1000 * (second + 1) - Date.now())));
  }
  wait("/products/slow-lamp");
  wait("/feed");
  const browser = await launch();
  const screen = await context(browser, { ...SCREENS[0], viewport: { width: 1280, height: HEIGHT } });
  const { page, faults } = await open(screen, "/debug");
  if (faults.length > 0) throw new Error(faults.join("\n"));
  await page.screenshot({ path: process.argv[2] });
  await browser.close();
}

main().then(
  () => process.exit(),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
