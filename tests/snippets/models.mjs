/** Documents on standard input against the models generated from KEDA's and the Gateway API's types. */

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , modules] = process.argv;
const PACKAGES = { "keda.sh": "keda", "gateway.networking.k8s.io": "gateway-api" };

/** What the model says against a document; nothing, if all is well. */
async function wrong({ apiVersion, kind, ...rest }) {
  const name = PACKAGES[apiVersion.split("/")[0]];
  const file = `${modules}/@kubernetes-models/${name}/${apiVersion}/${kind}.js`;
  const { [kind]: Model } = await import(pathToFileURL(file));
  try {
    new Model(rest).validate();
    return null;
  } catch (error) {
    return error.message;
  }
}

const documents = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(await Promise.all(documents.map(wrong))));
