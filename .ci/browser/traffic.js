// What customers and attackers send.
"use strict";
const { execFileSync } = require("node:child_process");
const http = require("node:http");

const gateway = process.env.GATEWAY_ADDR;

/// Every hostile text has it at its beginning, so that it is found in a page wherever it comes out.
const MARK = "zq";

const TEXTS = [
  "<script>owned=1</script>",
  "</code></td></tr></table></section><script src=//x.example/x.js></script>",
  "\"><img src=x onerror=owned=1>",
  "' onmouseover='owned=1' x='",
  "\" autofocus onfocus=\"owned=1",
  "</title></style><svg onload=owned=1>",
  "<svg><a xlink:href=javascript:owned=1>x",
  "<iframe srcdoc='<script>parent.owned=1</script>'>",
  "<a href=javascript:owned=1>x</a>",
  "javascript:owned=1",
  "data:text/html,<script>owned=1</script>",
  "<base href=//x.example/><meta http-equiv=refresh content=0;url=//x.example>",
  "<style>*{display:none}</style>",
  "<form action=//x.example><input name=x><button>",
  "--><!-- ]]> <![CDATA[ <?x ?>",
  "&lt;script&gt; &#60;script&#62; &quot; &amp",
  "%3Cscript%3Eowned=1%3C/script%3E",
  "{{constructor.constructor('owned=1')()}} ${owned=1} `",
  "+ADw-script+AD4-owned=1+ADw-/script+AD4-",
  "\u202eevil\u202c \u2066x\u2069 \u200f\u061c",
  "\ufeff\u200b\u{e0041}\u{e0042}",
  "\u0000\u0007\u001b[31m\u001b]0;owned\u0007\u009b",
  "\r\nx-owned: 1\r\n\r\n<b>",
  "\u2028\u2029\u0085\ufffd",
  "\\\"\\'\\u003cscript\\u003e",
  "😀é漢𐍈é́́́́́́́́",
  "W".repeat(400),
  "//x.example/../../..%2f..%5c",
  "x".repeat(8000),
].map((text, at) => `${MARK}${at}-${text}`);

const bytes = (text) => Buffer.from(text, "utf8").toString("latin1");

function paths(text) {
  const whole = encodeURIComponent(text.slice(0, 2000));
  // what node itself would not send is no path in any client
  const raw = bytes(text).replace(/[\0- \x7f#?]/g, "_");
  return [`/products/${whole}`, `/${whole}`, `/products/${raw}`, `/${raw}`];
}

/// Those that can be sent at all; 64 KiB of headers would be refused as a whole.
function headers(text) {
  const value = bytes(text.slice(0, 2000)).replace(/[\0-\x1f\x7f]/g, "_");
  const names = ["user-agent", "x-request-id", "traceparent", "tracestate", "baggage", "referer", "x-forwarded-for"];
  return Object.fromEntries(names.map((name) => [name, value]));
}

/// The status, or `undefined` where there was no answer.
function send(path, { method = "GET", headers = {}, body } = {}) {
  return new Promise((resolve) => {
    const [host, port] = gateway.split(":");
    const request = http.request({ host, port, path, method, headers, agent: false }, (response) => {
      response.resume().on("close", () => resolve(response.statusCode));
    });
    request.on("error", () => resolve(undefined)).end(body);
  });
}

const json = { "content-type": "application/json" };
const order = (product, card, quantity = 2) =>
  send("/checkout", { method: "POST", headers: json, body: JSON.stringify({ product, quantity, card }) });

/// A customer that waits for what never comes.
function wait(path) {
  const [host, port] = gateway.split(":");
  http.get({ host, port, path, agent: false }, (response) => response.resume()).on("error", () => {});
}

/// As many of them as there are ways to end.
async function customers(rounds) {
  const curl = (...rest) => execFileSync("curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}", ...rest]).toString();
  const got = [`http://${gateway}/products/lamp`, `http://${gateway}/panic`, `http://${gateway}/no/such/route`].map((url) => curl(url));
  if (got.join() !== "200,500,404") throw new Error(`curl got ${got}`);
  // an answer of the inventory's that is none: its address is longer than any server takes
  const statuses = [await send(`/products/${MARK}"${'"'.repeat(30000)}`)];
  for (let round = 0; round < rounds; round += 1) {
    statuses.push(
      ...(await Promise.all([
        send("/products/lamp"),
        send("/products/sofa"),
        send("/products/slow-lamp"),
        order("lamp", "4242"),
        order("lamp", "0000"),
        order("sofa", "4242"),
        send("/panic"),
      ])),
    );
  }
  return statuses;
}

/// Sends each hostile text in paths, headers and bodies; answers how many the service took.
async function attack() {
  const tries = TEXTS.flatMap((text) => [
    ...paths(text).map((path) => send(path, { headers: headers(text) })),
    order(text, text),
    send("/panic", { headers: headers(text) }),
    send(`/panic?${encodeURIComponent(text)}`),
  ]);
  for (const method of ["X'Y", "X`Y", "X|Y&Z", "M".repeat(200)]) {
    // node knows no other methods than those of its list
    tries.push(Promise.resolve().then(() => curlMethod(method)));
  }
  return (await Promise.all(tries)).filter((status) => status !== undefined).length;
}

function curlMethod(method) {
  const status = execFileSync("curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", method, `http://${gateway}/${MARK}`]);
  return Number(status) || undefined;
}

/// Asks the inventory with hostile paths, and never sends the order that was promised, so that all are under way
/// until the connections are closed. Answers those that it goes on with, by text.
async function hold() {
  const [host, port] = process.env.INVENTORY_ADDR.split(":");
  const taken = new Set();
  const requests = [];
  const tries = TEXTS.flatMap((text) => {
    const [, encoded, , raw] = paths(text);
    return [encoded, raw].map((path) => new Promise((resolve) => {
      const headers = { ...json, "content-length": 100, expect: "100-continue" };
      const request = http.request({ host, port, path: `/products${path}/reservations`, method: "POST", headers, agent: false });
      // it says so once somebody waits for the body
      request.on("continue", () => resolve(taken.add(text))).on("response", resolve).on("error", resolve);
      request.flushHeaders();
      requests.push(request);
    }));
  });
  await Promise.all(tries);
  return { taken, close: () => requests.forEach((it) => it.destroy()) };
}

module.exports = { MARK, TEXTS, attack, customers, hold, order, send, wait };
