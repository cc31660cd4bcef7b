// The worker script: `tmca-edge/worker`. Research use; not a medical device. Stands beside start-worker.ts as worker.js stands beside
// index.js in the build, so that `new URL('./worker.js', import.meta.url)` finds it in both.

import { openSession } from './open-session.js';
import { serve } from './worker/host.js';

serve(openSession);
