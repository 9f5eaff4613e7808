// What is found in a page: runs in the browser, and answers the faults.
"use strict";

module.exports = function inspect({ mark, links }) {
  const faults = [];
  const elements = new Set(
    ("html head meta title style body main section h1 h2 h3 h4 h5 h6 p a code span time div dl dt dd " +
      "table caption thead tbody tr th td details summary figure figcaption svg path rect").split(" "),
  );
  const attributes = new Set(
    ("lang charset name content id class href role tabindex aria-label scope open d width height viewBox " +
      "preserveAspectRatio").split(" "),
  );
  const classes = new Set(
    "badge good warning bad neutral scroll number facts ends range line spark bar bars curve base".split(" "),
  );
  for (const element of document.querySelectorAll("*")) {
    if (!elements.has(element.localName)) faults.push(`an element: ${element.localName}`);
    for (const { name, value } of element.attributes) {
      if (!attributes.has(name)) faults.push(`an attribute: ${element.localName} ${name}`);
      if (value.includes(mark)) faults.push(`in an attribute: ${element.localName} ${name}: ${value.slice(0, 80)}`);
    }
    for (const name of element.classList) if (!classes.has(name)) faults.push(`a class: ${name}`);
  }
  for (const { href } of document.querySelectorAll("[href]")) {
    const to = new URL(href, document.baseURI);
    const isLocal = to.origin === location.origin && new RegExp(links).test(to.pathname);
    if (!isLocal) faults.push(`a link: ${href}`);
    if (to.pathname === location.pathname && to.search === location.search && to.hash !== "" && !document.getElementById(to.hash.slice(1)))
      faults.push(`a link to nowhere in the page: ${href}`);
  }
  const text = document.documentElement.textContent;
  const control = text.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\u{e0000}|[\u{e0001}-\u{e007f}]/u);
  if (control) faults.push(`a control: U+${control[0].codePointAt(0).toString(16)}`);
  if (text.includes("--owned")) faults.push("hostile text in the stylesheet");
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  if (new Set(ids).size !== ids.length) faults.push("an ID twice");
  if ("owned" in window) faults.push("hostile code ran");
  if (document.scripts.length > 0) faults.push("a script");
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const wide = [...document.querySelectorAll("main *")].filter(
      (it) => it.getBoundingClientRect().right > root.clientWidth && !it.closest(".scroll :scope, .scroll *"),
    );
    faults.push(`scrolls sideways: ${root.scrollWidth} > ${root.clientWidth}: ${wide.slice(0, 5).map((it) => it.outerHTML.slice(0, 80))}`);
  }
  const said = getComputedStyle(document.body);
  return { faults, colours: [said.color, said.backgroundColor], width: innerWidth };
};
