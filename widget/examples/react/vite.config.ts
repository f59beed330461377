import { defineConfig } from "vite";

export default defineConfig({ base: "./", build: { outDir: process.env["EXAMPLE_OUT"] ?? "dist", emptyOutDir: true } });
