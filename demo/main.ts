// The page: images, video, training, each in a view of its own. Research use only; not a medical device.

import { Engine } from './engine.js';
import { ImageView } from './image/view.js';
import { LiveView } from './live/view.js';
import { keepOffline } from './offline.js';
import { listenToSettings } from './settings.js';
import { showProgress } from './status.js';
import { TrainView } from './train/view.js';
import { currentView, listenToViews } from './views.js';

listenToSettings();
const engine = new Engine(showProgress);
const image = new ImageView(engine, () => currentView() === 'image');
const options = () => image.options;
const live = new LiveView(engine, options);
new TrainView(engine, options, () => currentView() === 'train');
listenToViews({ live: { onLeave: () => live.stop() } });
void keepOffline(image.prepare().then(info => info?.device === 'wasm'));
