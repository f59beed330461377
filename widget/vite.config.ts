import { defineConfig } from "vite";

// Names without hashes: the folder in the address is what changes (see the browser surface).
export default defineConfig({
  build: {
    outDir: process.env["WIDGET_OUT"] ?? "../src/tidings/surfaces/browser/static",
    emptyOutDir: true,
    target: "es2022",
    rollupOptions: {
      input: { "tidings-inbox": "src/index.ts", "tidings-client": "src/client/index.ts" },
      preserveEntrySignatures: "exports-only",
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: (chunk) =>
          chunk.facadeModuleId?.includes("/locales/") ? `locale-${chunk.name}.js` : `${chunk.name}.js`,
      },
    },
    modulePreload: false,
  },
});
