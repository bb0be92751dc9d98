// Compiles every JSON Schema by ajv in its strictest mode, tries its examples, and writes its types.
// node check_schemas.mjs SCHEMAS TYPES, from a folder with the packages of requirements/npm.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [schemas, types] = process.argv.slice(2);
const { resolve } = createRequire(join(process.cwd(), "package.json"));
const load = async (name) => (await import(pathToFileURL(resolve(name)).href)).default;
const { Ajv2020 } = await load("ajv/dist/2020.js");
const { compile } = await load("json-schema-to-typescript");
const problems = [];
let files = 0;

const check = (name, schema) => {
  const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema);
  for (const example of schema.examples ?? []) {
    if (!validate(example)) problems.push(`${name}: ${JSON.stringify(validate.errors)}`);
  }
};

const writeTypes = async (name, schema) => {
  const text = await compile(schema, schema.title, { bannerComment: "" });
  writeFileSync(join(types, name.replaceAll("/", "-").replace(/json$/, "ts")), text);
};

mkdirSync(types, { recursive: true });
for (const name of readdirSync(schemas, { recursive: true })) {
  if (!name.endsWith(".json")) continue;
  files += 1;
  const schema = JSON.parse(readFileSync(join(schemas, name), "utf8"));
  try {
    check(name, schema);
    await writeTypes(name, schema);
  } catch (error) {
    problems.push(`${name}: ${error.message}`);
  }
}
console.log(JSON.stringify({ files, problems }));
process.exitCode = problems.length > 0 ? 1 : 0;
