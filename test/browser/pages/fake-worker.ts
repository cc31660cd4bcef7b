import { serve } from '../../../runtime/browser/worker/host.js';
import { openFake } from '../../fixtures/fake-session.js';

serve(openFake);
