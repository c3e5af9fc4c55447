// Encodes and decodes session tokens with the unmodified packages. Reads a JSON list of
// [library, action, arguments] from standard input and prints the list of what came out.
import * as five from "@auth/core/jwt";
import { symmetricDecodeJWT, symmetricEncodeJWT } from "better-auth/crypto";
import * as four from "next-auth-4/jwt";

const SALT = "better-auth-session";

/** Several secrets as better-auth keeps them: the highest version is the current one. */
function versions(secrets) {
  const keys = new Map(secrets.map((value, index) => [secrets.length - index, value]));
  return { keys, currentVersion: secrets.length };
}

const libraries = {
  five,
  four: four.default ?? four,
  better: {
    encode: ({ token, secret, maxAge }) => symmetricEncodeJWT(token, versions(secret), SALT, maxAge),
    decode: ({ token, secret }) => symmetricDecodeJWT(token, versions(secret), SALT),
  },
};

let input = "";
for await (const chunk of process.stdin) input += chunk;
const results = [];
for (const [library, action, given] of JSON.parse(input)) {
  results.push(await libraries[library][action](given).catch((error) => ({ thrown: error.name })));
}
process.stdout.write(JSON.stringify(results), () => process.exit(0));
