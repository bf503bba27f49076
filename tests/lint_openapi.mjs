// usage: node lint_openapi.mjs NODE_MODULES_FOLDER OPENAPI_FILE: all rules of two linters
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, file] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const { createConfig, lint } = require("@redocly/openapi-core");
const { Document, Spectral } = require("@stoplight/spectral-core");
const { Json } = require("@stoplight/spectral-parsers");
const { oas } = require("@stoplight/spectral-rulesets");

const config = await createConfig({ extends: ["recommended-strict"], telemetry: "off" });
const redocly = await lint({ ref: file, config });
for (const found of redocly) console.log("redocly", found.ruleId, found.message);

const spectral = new Spectral();
// a teaching project has no address to write to
spectral.setRuleset({ extends: [[oas, "all"]], rules: { "contact-properties": "off" } });
const told = await spectral.run(new Document(readFileSync(file, "utf8"), Json, file));
for (const found of told) console.log("spectral", found.code, found.path.join("."), found.message);

console.log(`found: ${redocly.length + told.length}`);
