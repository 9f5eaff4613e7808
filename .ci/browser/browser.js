// Chromium, with the operators' token.
"use strict";
const { chromium } = require("playwright-core");
const axe = require("axe-core");
const inspect = require("./inspect");
const { MARK } = require("./traffic");

const origin = `http://${process.env.ADMIN_ADDR}`;
// those of the endpoints, as the index tells them
const LINKS = "^/(slo|metrics|livez|readyz|startupz|health|debug|debug/(log|dump|dump/captures|dump/captures/[0-9]+|dump/stream|pprof/profile|pprof/heap|families/[0-9]+))?$";

const SCREENS = [
  { name: "desktop", viewport: { width: 1280, height: 900 } },
  { name: "phone", viewport: { width: 375, height: 812 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
].flatMap((screen) => ["light", "dark"].map((colorScheme) => ({ ...screen, colorScheme })));

function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
  });
}

async function context(browser, { name, ...screen }, more = {}) {
  const made = await browser.newContext({
    ...screen,
    ...more,
    extraHTTPHeaders: { authorization: `Bearer ${process.env.ADMIN_TOKEN}` },
  });
  await made.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (it) => window.violations.push(`${it.violatedDirective}: ${it.blockedURI}`));
  });
  return made;
}

/// The page as it is, and what was wrong with loading it.
async function open(context, path) {
  const page = await context.newPage();
  const faults = [];
  const requests = [];
  page.on("console", (it) => faults.push(`console: ${it.type()}: ${it.text()}`));
  page.on("pageerror", (it) => faults.push(`error: ${it}`));
  page.on("dialog", (it) => {
    faults.push(`dialog: ${it.message()}`);
    void it.dismiss();
  });
  page.on("request", (it) => requests.push(it.url()));
  const response = await page.goto(origin + path, { waitUntil: "load" });
  const type = response.headers()["content-type"];
  if (response.status() !== 200 || type !== "text/html; charset=utf-8") faults.push(`${response.status()}, ${type}`);
  if (!/default-src 'none'/.test(response.headers()["content-security-policy"])) faults.push("no policy");
  if (requests.length !== 1) faults.push(`it fetches ${requests}`);
  return { page, faults };
}

/// All that is wrong with the page at this path, as it is and with all details shown.
async function look(context, path, picture) {
  const { page, faults } = await open(context, path);
  if (picture) await page.screenshot({ path: picture, fullPage: true });
  const found = [];
  for (const isOpen of [false, true]) {
    await page.evaluate((isOpen) => document.querySelectorAll("details").forEach((it) => (it.open = isOpen)), isOpen);
    found.push(await page.evaluate(inspect, { mark: MARK, links: LINKS }));
    faults.push(...found.at(-1).faults.filter((it) => !faults.includes(it)));
  }
  faults.push(...(await page.evaluate(() => window.violations)).map((it) => `policy: ${it}`));
  const text = await page.evaluate(() => document.body.textContent);
  const codes = await page.$$eval("code", (all) => all.map((it) => it.textContent));
  await page.close();
  const [{ colours, width }] = found;
  return { faults, text, codes, colours, width };
}

/// What axe-core finds, for which the policy of the page is switched off.
async function violations(context, path) {
  const page = await context.newPage();
  await page.goto(origin + path, { waitUntil: "load" });
  await page.$$eval("details", (all) => all.forEach((it) => (it.open = true)));
  await page.addScriptTag({ content: axe.source });
  const { violations, passes } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations", "passes"] }));
  await page.close();
  if (!passes.some((it) => it.id === "color-contrast")) throw new Error("axe looked at no colours");
  return violations.map((it) => `axe: ${it.id}: ${it.help}: ${it.nodes.slice(0, 3).map((node) => `${node.target}: ${node.any.concat(node.all, node.none).map((why) => why.message)[0]}`)}`);
}

module.exports = { SCREENS, axeVersion: axe.version, context, launch, look, open, origin, violations };
