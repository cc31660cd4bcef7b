// `node devices/tools/bench-page.mjs [OUT.json] [--dtype fp32|fp16] [--frames N] [--seconds N]`: tmca-edge and onnxruntime-web's `webgpu` in turn
// in one page of Chromium, on its software adapter (SwiftShader) unless TMCA_GPU=1 lets it choose. The shipped model; needs `npm run
// bench:peers` once and `npm run build`.
//
// With --live: from a frame of 1920 x 1080 to a drawn overlay, our stream and the loop that people write with onnxruntime-web in turn, with
// what each takes of the page's thread (--width and --height for frames of another size).

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { createServer } from 'vite';
import { COMPOSITED, findChromium, SWIFTSHADER } from '../../tools/chromium.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dtype: { type: 'string', default: 'fp32' },
    frames: { type: 'string', default: '30' },
    seconds: { type: 'string', default: '60' },
    live: { type: 'boolean', default: false },
    width: { type: 'string', default: '1920' },
    height: { type: 'string', default: '1080' },
  },
});

const ort = '/devices/peer-packages/node_modules/onnxruntime-web/dist';

const benchFrames = (page, files) =>
  page.evaluate(options => window.benchInPage(options), {
    ...files,
    frames: Number(values.frames),
    seconds: Number(values.seconds),
    version: JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).version,
  });

const SIDES = ['ours', 'theirs'];
/** Frames of one side before it is the other's turn. */
const BLOCK = 5;

/** Blocks of frames in turn, until there are enough or the time is over. */
async function benchLive(page, files) {
  const samples = JSON.parse(readFileSync(`${root}/samples/samples.json`, 'utf8'));
  const size = { width: Number(values.width), height: Number(values.height) };
  const pictures = samples.map(({ file }) => `/samples/${file}`);
  const info = await page.evaluate(options => window.openLiveBench(options), {
    ...{ ...files, ...size, pictures, text: samples[0].text },
  });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  /** Milliseconds that the page's thread has worked so far. */
  const worked = async () => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    return 1000 * metrics.find(({ name }) => name === 'TaskDuration').value;
  };
  const run = async side => {
    const before = await worked();
    const times = await page.evaluate(([side, count]) => window.live.frames(side, count), [side, BLOCK]);
    return { times, cpu: ((await worked()) - before) / BLOCK };
  };
  for (const side of SIDES) await run(side); // the first frames compile
  const found = { ours: [], theirs: [] };
  const end = performance.now() + 1000 * Number(values.seconds);
  while (found.ours.length * BLOCK < Number(values.frames) && (found.ours.length === 0 || performance.now() < end))
    for (const side of SIDES) found[side].push(await run(side));
  const agreement = await page.evaluate(() => window.live.agreement());
  await page.evaluate(() => window.live.end());
  const { latency, pairedRatio } = await server.ssrLoadModule('/devices/statistics.ts');
  const of = side => ({
    frame: latency(found[side].flatMap(({ times }) => times)),
    page_thread: latency(found[side].map(({ cpu }) => cpu)),
  });
  const ratio = pick => pairedRatio(...SIDES.map(side => found[side].flatMap(pick)));
  return {
    ...{ info, frames: size, ours: of('ours'), peer: { name: 'onnxruntime-web webgpu', ...of('theirs') } },
    ratio: { frame: ratio(({ times }) => times), page_thread: ratio(({ cpu }) => [cpu]) },
    ...{ agreement, userAgent: await page.evaluate(() => navigator.userAgent) },
  };
}

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
const browser = await chromium.launch({
  executablePath,
  // timestamps to the nanosecond rather than to 0.1 ms
  args: [
    '--no-sandbox',
    '--disable-background-networking',
    '--enable-webgpu-developer-features',
    ...(process.env.TMCA_GPU ? [] : values.live ? COMPOSITED : SWIFTSHADER),
  ],
});
try {
  const page = await browser.newPage();
  page.on('pageerror', error => console.error(String(error)));
  page.on('console', message => console.error(message.text()));
  await page.goto(`${server.resolvedUrls.local[0]}devices/tools/bench-page/index.html`);
  await page.waitForFunction('window.benchInPage');
  page.setDefaultTimeout(0);
  const files = { model: '/models/nano', onnx: `/${onnx}`, dtype: values.dtype, ort };
  const result = values.live ? await benchLive(page, files) : await benchFrames(page, files);
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const command = ['node devices/tools/bench-page.mjs', ...process.argv.slice(2)].join(' ');
  const text = `${JSON.stringify({ ...result, command, commit, date: new Date().toISOString() }, null, 2)}\n`;
  if (positionals[0]) writeFileSync(positionals[0], text);
  console.log(text);
} finally {
  await browser.close();
  await server.close();
}
