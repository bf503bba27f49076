// usage: node gateway_api.mjs NODE_MODULES_FOLDER < DOCUMENTS: what the Gateway API's schema says
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const api = `${process.argv[2]}/@kubernetes-models/gateway-api`;
for (const document of JSON.parse(readFileSync(0, "utf8"))) {
  const path = `${api}/${document.apiVersion}/${document.kind}.js`;
  const kinds = await import(pathToFileURL(path));
  try {
    new kinds[document.kind](document).validate();
  } catch (problem) {
    console.log(document.kind, problem.message);
  }
}
console.log("checked");
