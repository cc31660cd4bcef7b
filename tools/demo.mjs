// `npm run demo`: segments the sample images with the shipped model, each with its own sentence, through the built command
// as a user would call it. Prints what was found and where the overlays are. Runs on a GPU, or in wasm where there is none.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'tmca-out');

/** Share of the image under which a component of the mask is only counted. */
const SPECK = 0.001;

/** The result of one `tmca segment` call; ends the process with the command's own error line where it fails. */
function segment({ file, text }) {
  const args = ['bin/tmca.js', 'segment', join('samples', file), '--text', text, '--out', out, '--json'];
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) {
    process.stderr.write(stderr);
    console.error(`demo: the command failed on samples/${file} (exit status ${status})`);
    process.exit(1);
  }
  return JSON.parse(stdout)[0];
}

/** One line for a lesion: its place in pixels, its area and its share of the image. */
function describe({ score, box: [x, y, width, height], area }, image) {
  const share = (100 * area) / (image.width * image.height);
  return `score ${score.toFixed(2)}, ${width} x ${height} at (${x}, ${y}), ${area} pixels (${share.toFixed(1)} % of the image)`;
}

const count = (n, noun) => `${n} ${noun}${n === 1 ? '' : 's'}`;

/** Lesions, and those too small to be worth a line. Both stay in the mask and in the command's own output. */
function bySize({ lesions, width, height }) {
  const isSpeck = ({ area }) => area < SPECK * width * height;
  return [lesions.filter(lesion => !isSpeck(lesion)), lesions.filter(isSpeck)];
}

const samples = JSON.parse(readFileSync(join(root, 'samples', 'samples.json'), 'utf8'));
let last;
for (const sample of samples) {
  const result = segment(sample);
  last = result;
  const milliseconds = typeof result.ms === 'number' ? result.ms : result.ms.total;
  console.log(`\nsamples/${sample.file}, ${result.width} x ${result.height}: "${sample.text}"`);
  const [large, specks] = bySize(result);
  console.log(`  ${count(large.length, 'lesion')} in ${Math.round(milliseconds)} ms`);
  for (const lesion of large) console.log(`    ${describe(lesion, result)}`);
  if (specks.length > 0) console.log(`    and ${count(specks.length, 'speck')} under ${100 * SPECK} % of the image`);
  console.log(`  overlay: ${relative(process.cwd(), result.overlay)}`);
}
const adapter = typeof last.adapter === 'string' ? last.adapter : last.adapter.description;
console.log(
  `\n${samples.length} images on ${last.device}, ${last.dtype}, ${adapter}. Overlays and masks: ${relative(process.cwd(), out) || '.'}/`,
);
console.log('Research use; not a medical device. Sample images: see samples/README.md for their attribution.');
