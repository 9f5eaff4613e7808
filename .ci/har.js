// Validates every archive in a directory by har-schema, and sees that the validator finds faults.
const fs = require("fs");
const path = require("path");
const Ajv = require("ajv");
const schemas = require("har-schema");

const ajv = new Ajv({ allErrors: true });
ajv.addMetaSchema(require("ajv/lib/refs/json-schema-draft-06.json"));
ajv.addSchema(Object.values(schemas));
const isValid = ajv.compile({ $ref: "har.json#" });

function check(what, holds, more) {
  console.log((holds ? "ok: " : "NOT ok: ") + what);
  if (!holds) {
    if (more) console.log(JSON.stringify(more, null, 1));
    process.exit(1);
  }
}

const directory = process.argv[2];
const archives = fs.readdirSync(directory).filter((name) => name.endsWith(".har"));
let entries = 0;
let whole;
for (const name of archives) {
  const archive = JSON.parse(fs.readFileSync(path.join(directory, name)));
  if (!isValid(archive)) check(name, false, [isValid.errors, archive]);
  if (archive.log.entries.length > 0) whole = archive;
  entries += archive.log.entries.length;
}
check(`${archives.length} archives with ${entries} entries are of the schema`, archives.length > 80 && entries >= 160);

const wrongs = [
  (entry) => delete entry.startedDateTime,
  (entry) => (entry.startedDateTime = "yesterday"),
  (entry) => (entry.request.url = "/no uri"),
  (entry) => (entry.response.content.size = "1"),
  (entry) => (entry.request.headers = [{ name: "x" }]),
  (entry) => (entry.timings.wait = null),
];
for (const wrong of wrongs) {
  const archive = JSON.parse(JSON.stringify(whole));
  wrong(archive.log.entries[0]);
  check(`a fault is found: ${wrong}`, !isValid(archive));
}
