// The page: images, sentences, masks. Research use only; not a medical device.

import { Engine } from './engine.js';
import { ImageView } from './image/view.js';
import { listenToSettings } from './settings.js';
import { showProgress } from './status.js';
import { currentView, listenToViews } from './views.js';

listenToSettings();
const engine = new Engine(showProgress);
const image = new ImageView(engine, () => currentView() === 'image');
listenToViews();
void image.prepare();
