// What a page loads: the element, what it imports, and one language, gzipped.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT = 30 * 1024;
const folder = process.env.WIDGET_OUT ?? "../src/tidings/surfaces/browser/static";
const sizes = readdirSync(folder)
  .filter((name) => name.endsWith(".js"))
  .map((name) => [name, gzipSync(readFileSync(`${folder}/${name}`), { level: 9 }).length]);
const languages = sizes.filter(([name]) => name.startsWith("locale-"));
const others = sizes.filter(([name]) => !name.startsWith("locale-"));
const total = others.reduce((sum, [, size]) => sum + size, 0) + Math.max(...languages.map(([, size]) => size));
for (const [name, size] of sizes) console.log(`${name.padEnd(24)} ${size.toLocaleString("en").padStart(8)} bytes`);
console.log(`a page loads ${total.toLocaleString("en")} of ${LIMIT.toLocaleString("en")} bytes`);
process.exit(total > LIMIT ? 1 : 0);
