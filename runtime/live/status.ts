// The state of a stream: what is known of its masks and of its troubles, and an event at each change.

import type { TmcaError } from '../../errors/index.js';
import type { LiveEvent, LiveState } from './types.js';

/** What of the masks is known: none yet; one on the screen that is young; none that is young enough. */
export type Masks = 'none' | 'young' | 'old';

/** What disturbs a stream; one of each kind at a time. */
export type TroubleKind = 'worker' | 'frame' | 'source' | 'engine' | 'picture';

interface Trouble {
  readonly reason: string;
  readonly error?: TmcaError | undefined;
}

/** The gravest first: the reason of a state names that one. */
const KINDS: readonly TroubleKind[] = ['worker', 'source', 'frame', 'picture', 'engine'];

export class LiveStatus {
  readonly #tell: (event: LiveEvent) => void;
  readonly #maxAgeMs: number;
  readonly #troubles = new Map<TroubleKind, Trouble>();
  #masks: Masks = 'none';
  #ended: Trouble | undefined;
  #event: LiveEvent;

  constructor(maxAgeMs: number, tell: (event: LiveEvent) => void = () => {}) {
    this.#maxAgeMs = maxAgeMs;
    this.#tell = tell;
    this.#event = this.#current();
  }

  get state(): LiveState {
    return this.#event.state;
  }

  get reason(): string {
    return this.#event.reason;
  }

  /** Tells the first state. */
  begin(): void {
    this.#tell(this.#event);
  }

  masks(masks: Masks): void {
    this.#masks = masks;
    this.#update();
  }

  /** @param reason null where the trouble is over */
  trouble(kind: TroubleKind, reason: string | null, error?: TmcaError): void {
    if (reason === null) this.#troubles.delete(kind);
    else this.#troubles.set(kind, { reason, error });
    this.#update();
  }

  /** The last state. */
  end(reason: string, error?: TmcaError): void {
    this.#ended ??= { reason, error };
    this.#update();
  }

  #update(): void {
    const event = this.#current();
    if (event.state === this.#event.state && event.reason === this.#event.reason) return;
    this.#event = event;
    this.#tell(event);
  }

  #current(): LiveEvent {
    if (this.#ended) return eventOf('off', this.#ended);
    const kind = KINDS.find(name => this.#troubles.has(name));
    const trouble = kind && this.#troubles.get(kind);
    if (this.#masks === 'none') return eventOf('starting', trouble ?? { reason: 'no frame has a mask yet' });
    if (this.#masks === 'old') {
      const reason = `the newest mask is older than ${this.#maxAgeMs} ms, so none is shown`;
      return eventOf('late', trouble ? { ...trouble, reason: `${reason}: ${trouble.reason}` } : { reason });
    }
    return trouble ? eventOf('degraded', trouble) : eventOf('on', { reason: 'masks are young' });
  }
}

const eventOf = (state: LiveState, { reason, error }: Trouble): LiveEvent => ({
  state,
  reason,
  ...(error && { error }),
});
