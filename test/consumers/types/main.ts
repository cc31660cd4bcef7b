// Every entry of the package in a project that looks into its libraries' declarations.
import { type Segmentation, Segmenter, TmcaError } from 'tmca-edge';
import { type Finding, readReport } from 'tmca-edge/language';
import { openSession } from 'tmca-edge/node';
import { Trainer } from 'tmca-edge/train';
import { train } from 'tmca-edge/train/node';

const segmenter: Segmenter = await Segmenter.create({ model: '/models/nano', onProgress: step => step.loaded });
const report = await segmenter.encodeReport('one small polyp');
const result: Segmentation = await segmenter.segment(new ImageData(1, 1), report, { threshold: 0.5 });
for (const { score, box, area } of result.lesions) console.log(score + box[0] + area);
// @ts-expect-error a model is needed
await Segmenter.create({ device: 'wasm' });
await segmenter.dispose();

const session = await openSession('models/nano', { device: 'wasm' });
const { mask }: { mask: Uint8Array } = await session.segment(
  { data: new Uint8Array(3), width: 1, height: 1, channels: 3 },
  await session.encodeReport('one small polyp'),
);
console.log(mask.length);

const findings: readonly Finding[] = readReport('No polyp.').findings;
for (const { evidence } of findings) for (const [start, end] of evidence) console.log(end - start);

const trainer = await Trainer.create({ model: '/models/nano', settings: { batch: 1 } });
const { loss }: { loss: number } = await trainer.step([
  { image: new ImageData(1, 1), mask: new ImageData(1, 1), text: 'one small polyp' },
]);
console.log(loss);
trainer.dispose();

try {
  await train({ data: 'data', out: 'out', config: 'nano' });
} catch (error) {
  if (error instanceof TmcaError && error.code === 'RUN_BUSY') console.log(error.retryable);
}
