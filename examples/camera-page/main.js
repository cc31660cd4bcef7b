// Lays masks over the camera's picture. Frames that come while another is being segmented are dropped, a mask that is too old is hidden,
// and the page says at any time whether what it shows can be relied on.
import { Segmenter } from 'tmca-edge';

const [text, said, state, video, canvas] = ['text', 'said', 'state', 'video', 'canvas'].map(id =>
  document.getElementById(id),
);
const tell = error => {
  said.textContent = error.message;
};
const segmenter = await Segmenter.create({ model: '/node_modules/tmca-edge/models/nano' });
// Whoever asks for the camera may be refused it: that is the page's to say.
video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true }).catch(tell);
await video.play();

const live = segmenter.attach(video, canvas, {
  prompt: text.value,
  smoothing: true,
  onState({ state: name, reason }) {
    state.textContent = `${name}: ${reason}`;
  },
  onResult({ lesions, age }) {
    const { shown, dropped } = live.stats;
    said.textContent = `${shown} frames segmented, ${dropped} dropped; ${lesions.length} lesions, ${Math.round(age)} ms after the frame`;
  },
});
text.addEventListener('change', () => live.setPrompt(text.value).catch(tell));
