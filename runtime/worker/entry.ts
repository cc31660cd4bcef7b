// The worker script: `tmca-edge/worker`. Research use; not a medical device.

import { openSession } from '../browser.js';
import { serve } from './host.js';

serve(openSession);
