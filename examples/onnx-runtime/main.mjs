// node main.mjs ONNX_FOLDER IDS.json IMAGE: the exported network in onnxruntime-web, without this package's own code.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import sharp from 'sharp';

const [folder, idsFile, image] = process.argv.slice(2);
ort.env.wasm.numThreads = 1;
const open = name => ort.InferenceSession.create(readFileSync(join(folder, name)));
const [text, network] = [await open('text.onnx'), await open('image.onnx')];

const ids = Int32Array.from(JSON.parse(readFileSync(idsFile, 'utf8')));
const mask = new ort.Tensor('int32', new Int32Array(ids.length).fill(1), [1, ids.length]);
const report = await text.run({ ids: new ort.Tensor('int32', ids, mask.dims), mask }); // once for any number of images

// Each channel without its mean, over its deviation ("normalize": "zscore" in config.json); channels one after another.
const S = 128; // "image_size" in config.json
const resized = sharp(image)
  .rotate()
  .removeAlpha()
  .toColourspace('srgb')
  .resize(S, S, { fit: 'fill', kernel: 'linear' });
const pixels = await resized.raw().toBuffer();
const channels = [0, 1, 2].map(channel => {
  const values = Array.from({ length: S * S }, (_, i) => pixels[3 * i + channel]);
  const mean = values.reduce((sum, x) => sum + x) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
  return values.map(x => (x - mean) / (deviation + 1e-6));
});

const input = new ort.Tensor('float32', Float32Array.from(channels.flat()), [1, 3, S, S]);
const { logits } = await network.run({ image: input, mask, ...report });
const inside = Uint8Array.from(logits.data, logit => (logit >= 0 ? 255 : 0));
const raw = { width: S, height: S, channels: 1 };
await sharp(inside, { raw }).png().toFile('mask.png');
console.log(`mask.png: ${inside.filter(value => value > 0).length} of ${S * S} pixels`);
