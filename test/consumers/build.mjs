// `node build.mjs BUNDLER`: builds src/main.js with one of the bundlers, as docs/guide/browser.md says.
import { cp, rm } from 'node:fs/promises';

const builds = {
  async vite() {
    const { build } = await import('vite');
    await build({ root: 'src', logLevel: 'warn', build: { outDir: '../vite', emptyOutDir: true } });
  },

  async webpack() {
    const { default: webpack } = await import('webpack');
    const { default: config } = await import('./webpack.config.cjs');
    const stats = await new Promise((done, failed) =>
      webpack(config, (error, result) => (error ? failed(error) : done(result))),
    );
    if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString());
  },

  async esbuild() {
    const { build } = await import('esbuild');
    const { warnings } = await build({
      entryPoints: { main: 'src/main.js', worker: 'tmca-edge/worker' },
      bundle: true,
      splitting: true,
      format: 'esm',
      target: 'es2022',
      outdir: 'esbuild/app',
    });
    if (warnings.length > 0) throw new Error(JSON.stringify(warnings));
    await cp('node_modules/tmca-edge/onnxruntime', 'esbuild/onnxruntime', { recursive: true });
  },

  async rollup() {
    const { rollup } = await import('rollup');
    const { default: resolve } = await import('@rollup/plugin-node-resolve');
    const bundle = await rollup({
      input: { main: 'src/main.js', worker: 'tmca-edge/worker' },
      plugins: [resolve({ browser: true })],
      onwarn(warning) {
        throw new Error(warning.message);
      },
    });
    await bundle.write({ dir: 'rollup/app', entryFileNames: '[name].js' });
    await cp('node_modules/tmca-edge/onnxruntime', 'rollup/onnxruntime', { recursive: true });
  },
};

const [bundler] = process.argv.slice(2);
await rm(bundler, { recursive: true, force: true });
await builds[bundler]();
