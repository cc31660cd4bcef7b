// What was run, so that it can be run again: the command, the data, the device, every setting.

import { type Config, configToJson, defaultConfig } from '../../networks/config.js';
import { parseTrainConfig, trainConfigToJson } from '../../train/config.js';
import type { RunInfo } from '../../train/run-files/index.js';
import { type Html, html } from '../html.js';
import type { ReportContent } from './content.js';

type Settings = Readonly<Record<string, unknown>>;

export function settingsSection({ info, model, created }: ReportContent): Html {
  const run: [string, string][] = info
    ? [
        ['command', info.command],
        ['data', `${info.data.name} (${info.data.folder})`],
        ...Object.entries(info.data.records).map(([split, n]): [string, string] => [`records, ${split}`, String(n)]),
        ['adapter', info.device.adapter + (info.device.software ? ' (software)' : '')],
        ['training in', info.device.dtype],
        ...(info.taken ? [['a batch taken', taken(info.taken)] as [string, string]] : []),
        ['seed', String(info.seed)],
        ['package', info.package],
        ['started', info.started],
        ['ended', info.ended ? `${info.ended.at}: ${info.ended.why}` : 'not yet'],
      ]
    : [];
  return html`<h2>What was run</h2>
<dl>${run.map(([name, value]) => html`<dt>${name}</dt><dd>${name === 'command' ? html`<code>${value}</code>` : value}</dd>`)}<dt>report made</dt><dd>${created}</dd></dl>
<h2>Settings</h2>
${settingsLists(info?.config ?? null, model)}`;
}

const taken = ({ micro_batch: images, recompute }: NonNullable<RunInfo['taken']>): string =>
  `${images} ${images === 1 ? 'image' : 'images'} at a time, recomputed: ${recompute}`;

/** Settings of training, where they are known, and of a network; what is not the default stands out. */
export function settingsLists(training: Settings | null, network: Config): Html {
  return html`<p class="note">Bold: not the default.</p>
<div class="settings">
${training && html`<div><h3>Training</h3>${list(training, trainConfigToJson(parseTrainConfig({}, 'the defaults')))}</div>`}
<div><h3>Network</h3>${list(configToJson(network), configToJson(defaultConfig(network.network)))}</div>
</div>`;
}

function list(settings: Settings, standard: Settings): Html {
  const names = Object.keys(settings).filter(name => name !== 'model');
  return html`<dl>${names.map(name => {
    const same = text(settings[name]) === text(standard[name]);
    return html`<dt>${name}</dt><dd class="${same ? '' : 'set'}">${text(settings[name])}</dd>`;
  })}</dl>`;
}

function text(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(text).join(', ');
  if (typeof value !== 'object') return String(value);
  const parts = Object.entries(value).map(
    ([name, part]) => `${name}: ${typeof part === 'object' && part !== null ? `{${text(part)}}` : text(part)}`,
  );
  return parts.length === 0 ? 'none' : parts.join(', ');
}
