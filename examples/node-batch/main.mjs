// node main.mjs FOLDER "SENTENCE" OUT: a mask for each image of a folder, and results.json with what was found in each.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { openSession } from 'tmca-edge/node';

const [folder, text, out] = process.argv.slice(2);
const session = await openSession(fileURLToPath(new URL('../models/nano', import.meta.resolve('tmca-edge/node'))));
const report = await session.encodeReport(text);
await mkdir(out, { recursive: true });

const results = [];
for (const file of (await readdir(folder)).filter(name => /\.(jpe?g|png|webp|tiff?)$/i.test(name))) {
  const { mask, width, height, lesions, warnings } = await session.segment(join(folder, file), report);
  const raw = { width, height, channels: 1 };
  const name = `${parse(file).base}.mask.png`;
  await sharp(
    mask.map(value => 255 * value),
    { raw },
  )
    .png()
    .toFile(join(out, name));
  results.push({
    file,
    mask: name,
    width,
    height,
    lesions: lesions.map(({ score, box, area }) => ({ score, box, area })),
    warnings,
  });
}
await writeFile(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
console.log(`${results.length} images on ${session.info.device}`);
session.dispose();
