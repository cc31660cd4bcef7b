// Segments the camera's frames one by one. A frame that comes while another is being segmented is dropped, so the mask never lags.
import { maskImageBitmap, Segmenter } from 'tmca-edge';

const [text, said, video, canvas] = ['text', 'said', 'video', 'canvas'].map(id => document.getElementById(id));
const segmenter = await Segmenter.create({ model: '/node_modules/tmca-edge/models/nano' });
const report = await segmenter.encodeReport(text.value);
let [busy, done, dropped] = [false, 0, 0];

async function segment() {
  const frame = await createImageBitmap(video); // one picture for the network and for the canvas
  const result = await segmenter.segment(frame, report);
  [canvas.width, canvas.height] = [frame.width, frame.height];
  for (const layer of [frame, await maskImageBitmap(result)]) {
    canvas.getContext('2d').drawImage(layer, 0, 0);
    layer.close();
  }
  said.textContent = `${++done} frames segmented, ${dropped} dropped, ${result.lesions.length} lesions in the last`;
}

const tell = error => {
  said.textContent = error.message;
};
async function onFrame() {
  video.requestVideoFrameCallback(onFrame);
  if (busy) return void dropped++;
  busy = true;
  await segment().catch(tell);
  busy = false;
}
video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true }).catch(tell);
await video.play();
video.requestVideoFrameCallback(onFrame);
