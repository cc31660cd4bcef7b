// What the pages of an origin say to each other while one of them loads: who does, and how far it is.

/** Locks that all pages of the origin share. A page that ends gives its locks back. */
export interface Locks {
  /** Resolves, when the lock is this page's, to what gives it back (twice is fine). Rejects where `signal` fires before. */
  take(name: string, signal?: AbortSignal): Promise<() => void>;
}

export interface News {
  readonly key: string;
  readonly loaded: number;
  readonly total?: number;
}

/** Tells other pages, and hears them. */
export interface Channel {
  tell(news: News): void;
  /** @returns what ends it */
  hear(listener: (news: News) => void): () => void;
}

export const webLocks = (manager: LockManager): Locks => ({
  take: (name, signal) =>
    new Promise((resolve, reject) => {
      const held = () => new Promise<void>(release => resolve(release));
      manager.request(name, signal ? { signal } : {}, held).catch(reject);
    }),
});

export function webChannel(): Channel {
  const open = () => new BroadcastChannel('tmca-edge');
  let own: BroadcastChannel | undefined;
  return {
    tell(news) {
      own ??= open();
      own.postMessage(news);
    },
    hear(listener) {
      const channel = open();
      channel.onmessage = ({ data }) => listener(data);
      return () => channel.close();
    },
  };
}
