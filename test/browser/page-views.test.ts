// All views of the page: that people with other eyes and hands can use them, in the dark and in the light theme.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { describe, expect, it } from 'vitest';
import { choose, file, page, pictures, result, segmented, status, usePage, write } from './page-driver.js';

usePage();

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe complains of, in the view that is shown. */
async function complaints(): Promise<string[]> {
  // Not as an element of the page, whose policy admits no other script.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

const show = async (view: string) => {
  await page.click(`nav a[href="#${view}"]`);
  await page.waitForSelector(`#${view}:visible`);
};
const openAll = () =>
  page.evaluate(() => {
    for (const fold of document.querySelectorAll('details')) fold.open = true;
  });
const theme = async (name: 'dark' | 'light') => {
  await page.emulateMedia({ colorScheme: name });
};

describe.each(['dark', 'light'] as const)('axe has nothing to complain of in the %s theme', name => {
  it('in the view Image: empty, with a result, with an error', async () => {
    await theme(name);
    await status('Ready.');
    expect(await complaints()).toEqual([]);
    await segmented();
    await choose(file('square_mask.png', pictures.truth));
    await page.fill('#sentence', 'another');
    await result().locator('.stale-note').waitFor();
    await openAll();
    expect(await complaints()).toEqual([]);
    await write('lost');
    await page.locator('#error').waitFor();
    await openAll();
    expect(await complaints()).toEqual([]);
  });

  it.each(['live', 'train'])('in the view %s', async view => {
    await theme(name);
    await show(view);
    if (view === 'train') {
      const files = [file('a.png', pictures.square), file('a_mask.png', pictures.truth)];
      await page.setInputFiles('#train-files', files);
      await page.locator('.example').waitFor();
    }
    expect(await complaints()).toEqual([]);
  });
});

describe('themes', () => {
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

  it('follow the system until one is chosen, which is kept', async () => {
    await theme('dark');
    const dark = await ground();
    await theme('light');
    const light = await ground();
    expect(light).not.toBe(dark);
    await page.click('#settings summary');
    await page.selectOption('#theme', 'dark');
    expect(await ground()).toBe(dark);
    await page.reload();
    expect(await ground()).toBe(dark);
    expect(await page.inputValue('#theme')).toBe('dark');
  });

  it('have borders of controls that stand out by 3 to 1', async () => {
    for (const name of ['dark', 'light'] as const) {
      await theme(name);
      const ratios = await page.evaluate(() => {
        const rgb = (colour: string) => colour.match(/[\d.]+/g)!.map(Number);
        const luminance = (colour: string) => {
          const [r, g, b] = rgb(colour)
            .slice(0, 3)
            .map(value => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
          return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
        };
        const ratio = (a: string, b: string) => {
          const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
          return (high! + 0.05) / (low! + 0.05);
        };
        const behind = (start: Element): string => {
          for (let at: Element | null = start; at; at = at.parentElement) {
            const { backgroundColor } = getComputedStyle(at);
            if (rgb(backgroundColor)[3] !== 0) return backgroundColor;
          }
          throw new Error('no ground');
        };
        const controls = [...document.querySelectorAll('button, select, textarea')].filter(
          control => control.checkVisibility() && !control.matches('.primary, .thumbs button, .lesion, .past'),
        );
        return controls.map(control => ratio(getComputedStyle(control).borderTopColor, behind(control.parentElement!)));
      });
      expect(ratios.length).toBeGreaterThan(10);
      expect(Math.min(...ratios), name).toBeGreaterThanOrEqual(3);
    }
  });
});

describe('targets', () => {
  it.each(['image', 'live', 'train'])('are 44 pixels and more in the view %s', async view => {
    await segmented();
    await show(view);
    const small = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('button, select, summary, nav a, label.check, input[type="range"]')]
        .filter(control => control.checkVisibility())
        .map(control => ({ name: control.id || control.className, height: control.getBoundingClientRect().height }))
        .filter(({ height }) => height < 44),
    );
    expect(small).toEqual([]);
  });
});

describe('the address', () => {
  it('says which view is shown, so that Back works', async () => {
    await show('train');
    expect(await page.getAttribute('nav a[href="#train"]', 'aria-current')).toBe('page');
    await page.goBack();
    await page.waitForSelector('#image:visible');
    expect(await page.isVisible('#train')).toBe(false);
  });
});

describe('the policy', () => {
  it('admits no script that is written into the page, and no other host', async () => {
    const said = await page.evaluate(async () => {
      const violations: string[] = [];
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
        violations.push(effectiveDirective),
      );
      const script = document.createElement('script');
      script.textContent = 'globalThis.injected = true';
      document.body.append(script);
      await fetch('http://127.0.0.1:9/').catch(() => {});
      await new Promise(resolve => setTimeout(resolve, 100));
      return { violations, injected: 'injected' in globalThis };
    });
    expect(said).toEqual({ violations: ['script-src-elem', 'connect-src'], injected: false });
  });
});
