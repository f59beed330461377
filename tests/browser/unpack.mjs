// Unpacks what the package holds compressed: `node unpack.mjs FOLDER`.
import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createBrotliDecompress } from "node:zlib";
import tar from "tar-fs";

const [folder] = process.argv.slice(2);
const packed = fileURLToPath(new URL("../bin/", import.meta.resolve("@sparticuz/chromium")));
const unpack = (name, to) =>
  pipeline(createReadStream(join(packed, `${name}.br`)), createBrotliDecompress(), to);

for (const name of ["al2023.tar", "fonts.tar", "swiftshader.tar"]) await unpack(name, tar.extract(folder));
await unpack("chromium", createWriteStream(join(folder, "chromium"), { mode: 0o755 }));
