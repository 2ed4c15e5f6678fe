import { defineConfig } from "vitest/config";

const shared = { resolve: { conditions: ["glowplug-source"] }, ssr: { resolve: { conditions: ["glowplug-source"] } } };

export default defineConfig({
  ...shared,
  test: {
    projects: [
      { ...shared, test: { name: "unit", include: ["test/**/*.test.ts"], exclude: ["test/boot/**", "test/fake/**", "test/crash/**"], testTimeout: 20_000 } },
      { ...shared, test: { name: "fake", include: ["test/fake/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false } },
      { ...shared, test: { name: "crash", include: ["test/crash/**/*.test.ts"], testTimeout: 3_600_000, hookTimeout: 1_800_000, fileParallelism: false } },
      { ...shared, test: { name: "boot", include: ["test/boot/**/*.test.ts"], testTimeout: 900_000, hookTimeout: 1_800_000, fileParallelism: false } },
    ],
  },
});
