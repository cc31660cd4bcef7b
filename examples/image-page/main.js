// Segments the sample image, and then every image that is chosen, and paints the mask over it.
import { maskImageBitmap, Segmenter } from 'tmca-edge';

const [text, file, said, canvas] = ['text', 'file', 'said', 'canvas'].map(id => document.getElementById(id));
const segmenter = await Segmenter.create({ model: '/node_modules/tmca-edge/models/nano' });

async function show(image) {
  const report = await segmenter.encodeReport(text.value);
  const result = await segmenter.segment(image, report);
  report.dispose();
  canvas.width = result.width;
  canvas.height = result.height;
  const context = canvas.getContext('2d');
  context.drawImage(await createImageBitmap(image), 0, 0);
  context.drawImage(await maskImageBitmap(result), 0, 0);
  said.textContent = `${result.lesions.length} lesions, found on ${segmenter.info.device}: ${segmenter.info.reason}`;
}

const tell = error => {
  said.textContent = error.message;
};
file.onchange = () => show(file.files[0]).catch(tell);
const sample = await fetch('/node_modules/tmca-edge/samples/polyp-small-pink.jpg');
await show(await sample.blob()).catch(tell);
