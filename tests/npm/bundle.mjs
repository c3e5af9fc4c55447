// Writes a page's script with everything that it imports to standard output.
// Usage: node bundle.mjs ENTRY [NAME=PACKAGE]: NAME stands for PACKAGE in what is imported.
import { build } from "esbuild";

const [entry, ...aliases] = process.argv.slice(2);
const { outputFiles } = await build({
  entryPoints: [entry],
  bundle: true,
  write: false,
  jsx: "automatic",
  alias: Object.fromEntries(aliases.map((one) => one.split("="))),
  define: { "process.env": "{}", "process.env.NODE_ENV": '"production"' },
  logLevel: "error",
});
process.stdout.write(outputFiles[0].contents);
