// `node devices/tools/bench-page.mjs [OUT.json] [--dtype fp32|fp16] [--frames N] [--seconds N]`: tmca-edge and onnxruntime-web's `webgpu` in turn
// in one page of Chromium, on its software adapter (SwiftShader) unless TMCA_GPU=1 lets it choose. The shipped model; needs `npm run
// bench:peers` once and `npm run build`.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { createServer } from 'vite';
import { findChromium } from '../../tools/chromium.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dtype: { type: 'string', default: 'fp32' },
    frames: { type: 'string', default: '30' },
    seconds: { type: 'string', default: '60' },
  },
});

const executablePath = findChromium();
if (!executablePath) throw new Error('a Chromium is needed; set TMCA_CHROMIUM, or see npm run setup');
const onnx = 'build/bench-onnx';
execFileSync(process.execPath, ['bin/tmca.js', 'export-onnx', 'models/nano', '--out', onnx, '--dtype', values.dtype], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
});

const server = await createServer({
  root,
  configFile: false,
  logLevel: 'error',
  appType: 'mpa',
  assetsInclude: ['**/*.deflate'],
  server: { host: '127.0.0.1', port: 0, watch: null, hmr: false },
  optimizeDeps: { noDiscovery: true, include: [] },
});
await server.listen();
const software = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
const browser = await chromium.launch({
  executablePath,
  // timestamps to the nanosecond rather than to 0.1 ms
  args: [
    '--no-sandbox',
    '--disable-background-networking',
    '--enable-webgpu-developer-features',
    ...(process.env.TMCA_GPU ? [] : software),
  ],
});
try {
  const page = await browser.newPage();
  page.on('pageerror', error => console.error(String(error)));
  page.on('console', message => console.error(message.text()));
  await page.goto(`${server.resolvedUrls.local[0]}devices/tools/bench-page/index.html`);
  await page.waitForFunction('window.benchInPage');
  page.setDefaultTimeout(0);
  const result = await page.evaluate(options => window.benchInPage(options), {
    model: '/models/nano',
    onnx: `/${onnx}`,
    ort: '/devices/peer-packages/node_modules/onnxruntime-web/dist',
    dtype: values.dtype,
    frames: Number(values.frames),
    seconds: Number(values.seconds),
    version: JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).version,
  });
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const command = ['node devices/tools/bench-page.mjs', ...process.argv.slice(2)].join(' ');
  const text = `${JSON.stringify({ ...result, command, commit, date: new Date().toISOString() }, null, 2)}\n`;
  if (positionals[0]) writeFileSync(positionals[0], text);
  console.log(text);
} finally {
  await browser.close();
  await server.close();
}
