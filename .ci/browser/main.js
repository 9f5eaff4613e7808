// Sees every page on every screen, with an ordinary, a stuck and a hostile load behind it.
"use strict";
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { SCREENS, axeVersion, context, launch, look, open, origin, violations } = require("./browser");
const { MARK, TEXTS, attack, customers, hold, wait } = require("./traffic");

const directory = process.argv[2];
let checks = 0;

function check(what, faults) {
  checks += 1;
  if (faults.length === 0) return console.log(`ok: ${what}`);
  console.log(`NOT ok: ${what}\n  ${faults.join("\n  ")}`);
  process.exitCode = 1;
}

async function json(path, init = {}) {
  const headers = { authorization: `Bearer ${process.env.ADMIN_TOKEN}`, accept: "application/json", ...init.headers };
  const response = await fetch(origin + path, { ...init, headers });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

const has = (text, ...wanted) => wanted.filter((it) => !text.includes(it)).map((it) => `there is no ${it}`);

/// A stuck request, a panic and a hostile load are told as soon as they are there.
async function told(browser, taken) {
  const screen = await context(browser, SCREENS[0]);
  // the newest errors of all, and of each family at most so many a second: until these are among them
  const isKept = (errors) => [500, 502].every((status) => errors.some((it) => it.status === status));
  while (!isKept((await json("/debug")).errors)) await customers(0);
  const { text, codes } = await look(screen, "/debug");
  check("what is stuck, what panicked and what failed is told", has(codes, "GET /products/lost-lamp", "GET /panic").concat(has(text, "502")));
  check(`${taken.size} hostile requests under way are told`, has(text, ...[...taken].map((it) => `${MARK}${TEXTS.indexOf(it)}-`)));
  wait("/products/lost-lamp?once-more");
  const count = async () => (await json("/debug")).active.exchanges.filter((it) => it.path === "/products/lost-lamp").length;
  while ((await count()) < 2); // it has arrived
  const again = (await look(screen, "/debug")).codes.filter((it) => it === "GET /products/lost-lamp").length;
  check("one that gets stuck is there at once", again === 2 ? [] : [`there are ${again}`]);

  const { page } = await open(screen, "/debug?format=html&refresh=1");
  await page.waitForEvent("framenavigated");
  await page.waitForEvent("framenavigated");
  await page.waitForLoadState("load");
  check("it renews itself, and stops", (await page.getByRole("link", { name: "stop" }).count()) === 1 ? [] : ["there is no stop"]);
  await page.getByRole("link", { name: "stop" }).click();
  await page.waitForURL((url) => !url.search.includes("refresh"));
  await screen.close();
}

/// Every page there is, by name.
async function pages() {
  const { families } = await json("/debug");
  const ours = families.map(({ id, side, name }) => [`family-${side}-${name.replace(/[^a-z_]+/gi, "-")}`, `/debug/families/${id}`]);
  const windows = ["hour", "day"].map((it) => [`debug-${it}`, `/debug?format=html&window=${it}`]);
  return [["slo", "/slo"], ["debug", "/debug"], ...windows, ...ours];
}

async function seen(browser, every) {
  const background = {};
  // families differ in what is kept of them, and windows in their plots: these have all there is, the others are seen once
  const whole = /^(slo|debug|family-server-(_unmatched|-panic|-products-id-))$/;
  for (const screen of SCREENS) {
    const all = screen === SCREENS[0] ? every : every.filter(([name]) => whole.test(name));
    const asIs = await context(browser, screen);
    const bypassed = await context(browser, screen, { bypassCSP: true });
    for (const [name, at] of all) {
      const is = `${name}-${screen.name}-${screen.colorScheme}`;
      const { faults, colours, width } = await look(asIs, at, path.join(directory, `${is}.png`));
      if (width !== screen.viewport.width) faults.push(`it is laid out ${width} wide`);
      background[screen.colorScheme] = colours.join();
      check(is, [...faults, ...(await violations(bypassed, at))]);
    }
    await asIs.close();
    await bypassed.close();
  }
  check("dark is not light", background.light === background.dark ? [background.dark] : []);
}

/// On paper there is also what is shown on demand.
async function printed(browser, all) {
  const screen = await context(browser, SCREENS[0]);
  for (const [name, at] of all.slice(0, 2).concat(all.filter(([name]) => name === "family-server--panic"))) {
    const { page } = await open(screen, at);
    const file = path.join(directory, `${name}.pdf`);
    await page.pdf({ path: file, format: "A4" });
    const paper = execFileSync("pdftotext", ["-layout", file, "-"]).toString();
    const hidden = await page.$$eval("details > :not(summary) :is(dd, td, th[scope=row])", (all) => all.map((it) => it.textContent.slice(0, 12)));
    const words = hidden.filter((it) => /^[\w:.-]+$/.test(it)).slice(0, 3);
    check(`${name} on paper`, [...has(paper, await page.title(), ...words), ...(name !== "debug" && words.length === 0 ? ["nothing is shown on demand"] : [])]);
    await page.close();
  }
  await screen.close();
}

/// A look that takes anything has seen nothing.
async function faulty(browser) {
  const faults = {
    "an element": "<marquee>x</marquee>",
    "an attribute": '<p onclick="x()">x</p>',
    "in an attribute": `<p class="${MARK}">x</p>`,
    "a link": '<a href="javascript:x()">x</a>',
    "a control": "<p>\u202e</p>",
    "a script": "<script>1</script>",
    "policy": '<p style="color:red">x</p>',
    "console": "<script>1</script>",
    "it fetches": '<link rel="stylesheet" href="/slo">',
    "scrolls sideways": `<svg width="3000" height="1"></svg>`,
    "axe": '<div role="button"></div>',
  };
  for (const [fault, html] of Object.entries(faults)) {
    const found = [];
    for (const bypassCSP of [false, true]) {
      const screen = await context(browser, SCREENS[2], { bypassCSP });
      await screen.route(`${origin}/slo`, async (route) => {
        const response = await route.fetch();
        const body = (await response.text()).replace("</main>", `${html}</main>`);
        await route.fulfill({ response, body });
      });
      found.push(...(bypassCSP ? await violations(screen, "/slo") : (await look(screen, "/slo")).faults));
      await screen.close();
    }
    check(`a fault is found: ${fault}`, found.some((it) => it.startsWith(fault)) ? [] : [`found: ${found}`]);
  }
}

async function main() {
  await json("/debug/dump", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ match: { route: "/panic" }, captures: 50, time_to_live_seconds: 300 }),
  });
  wait("/products/lost-lamp");
  wait("/feed");
  const statuses = await customers(10);
  const seenStatuses = [200, 402, 404, 500, 502];
  check("customers were served, and not", seenStatuses.filter((it) => !statuses.includes(it)).map((it) => `no ${it}`));
  const came = await attack();
  check(`${came} hostile requests came through`, came > 3 * TEXTS.length ? [] : ["too few"]);
  const { taken, close } = await hold();
  check(`${taken.size} of ${TEXTS.length} hostile texts are under way`, taken.size > TEXTS.length / 2 ? [] : ["too few"]);

  const browser = await launch();
  console.log(`Chromium ${browser.version()}, axe-core ${axeVersion}`);
  try {
    await told(browser, taken);
    const all = await pages();
    await seen(browser, all);
    await printed(browser, all);
    await faulty(browser);
  } finally {
    await browser.close();
    close();
  }
  console.log(`${checks} checks`);
  if (!process.exitCode) fs.writeFileSync(path.join(directory, "passed"), `${checks}\n`);
}

main().then(
  () => process.exit(),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
