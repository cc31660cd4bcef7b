// Trains the shipped model on pictures that the page draws: a bright disc, where it lies as a mask, and a sentence about it.
import { Trainer } from 'tmca-edge/train';

const [said, losses, weights] = ['said', 'losses', 'weights'].map(id => document.getElementById(id));
const settings = { batch: 2, lr: 1e-4, freeze: ['text_encoder'] };
const model = '/node_modules/tmca-edge/models/nano';
const trainer = await Trainer.create({ model, settings, device: 'webgpu' }); // a software adapter will do

function drawn(x, background, colour) {
  const context = new OffscreenCanvas(128, 128).getContext('2d', { willReadFrequently: true });
  Object.assign(context, { fillStyle: background }).fillRect(0, 0, 128, 128);
  context.arc(x, 64, 20, 0, 2 * Math.PI);
  Object.assign(context, { fillStyle: colour }).fill();
  return context.getImageData(0, 0, 128, 128);
}
const example = (x, side) => ({
  image: drawn(x, '#a0433c', '#e8b0a0'),
  mask: drawn(x, 'black', 'white'),
  text: `one small pink round polyp, located in ${side} of the image`,
});
const examples = [example(32, 'left'), example(96, 'right')];

for (let step = 1; step <= 3; step++) {
  said.textContent = `Step ${step} is running.`;
  const { loss } = await trainer.step(examples);
  losses.append(Object.assign(document.createElement('li'), { textContent: `loss ${loss.toFixed(4)}` }));
}
weights.href = URL.createObjectURL(new Blob([await trainer.weights()]));
weights.hidden = false;
said.textContent = 'The training is done.';
trainer.dispose();
