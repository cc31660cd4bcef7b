// What any page does with the package. Every bundler of this folder builds it; the test calls `segmentSample`.
import { Segmenter } from 'tmca-edge';

globalThis.segmentSample = async (text, { image: address = '/sample.jpg', ...options }) => {
  const segmenter = await Segmenter.create({ model: '/models/nano', ...options });
  try {
    const image = await (await fetch(address)).blob();
    const { lesions, width, height } = await segmenter.segment(image, await segmenter.encodeReport(text));
    return { info: segmenter.info, width, height, boxes: lesions.map(({ box }) => box) };
  } finally {
    await segmenter.dispose();
  }
};
