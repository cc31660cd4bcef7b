'use client';

import { useEffect } from 'react';

export default function Page() {
  useEffect(() => {
    import('../../src/main.js');
  }, []);
  return <p>A page of Next.js</p>;
}
