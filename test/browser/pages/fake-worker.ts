import { serve } from '../../../runtime/worker/host.js';
import { openFake } from '../../fixtures/fake-session.js';

serve(openFake);
