// The view Live: masks over a camera, a screen or a video file. The stream itself is the package's (Segmenter.attach); this shows what
// it says of itself, and records.

import type { Attachment, LiveEvent, LiveSegmentation, Segmenter, SessionInfo } from '../../runtime/index.js';
import { download, element, plural, sentenceOf, write } from '../dom.js';
import type { Engine, EngineOptions } from '../engine.js';
import { explain, headlineOf } from '../explain.js';
import { promptOf } from '../image/record.js';
import { sentenceBuilder } from '../image/sentence.js';
import { engineLine } from '../status.js';
import { AuditLog } from './audit.js';
import { Recorder } from './recorder.js';
import { Source, type SourceKind } from './source.js';
import { Strip } from './strip.js';

const NOTICE = 'Research use only. Not a medical device.';

export class LiveView {
  readonly #video = element<HTMLVideoElement>('video');
  readonly #overlay = element<HTMLCanvasElement>('live-overlay');
  readonly #sentence = element<HTMLTextAreaElement>('live-sentence');
  readonly #source = new Source(this.#video, why => this.#ended(why));
  readonly #strip = new Strip(element<HTMLCanvasElement>('strip'), () => this.#limit);
  #log = new AuditLog();
  #info: SessionInfo | undefined;
  #attachment: Attachment | undefined;
  #recorder: Recorder | undefined;
  /** The sentence that runs. */
  #prompt = '';
  /** Counts the starts: what was begun before the latest one is let go. */
  #turn = 0;

  constructor(
    private readonly engine: Engine,
    private readonly options: () => EngineOptions,
  ) {
    const builder = sentenceBuilder(element('live-builder'), text => {
      this.#sentence.value = text;
      this.#offer();
    });
    builder.show('');
    this.#sentence.addEventListener('input', () => {
      builder.show(this.#sentence.value);
      this.#offer();
    });
    this.#sentence.addEventListener('keydown', event => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      void this.#apply();
    });
    element('live-form').addEventListener('submit', event => {
      event.preventDefault();
      void this.#apply();
    });
    this.#listenToSources();
    element('record').addEventListener('click', () => void this.#record());
    element('save-log').addEventListener('click', () => void this.#saveLog());
    this.#show('off', 'Choose a camera, a screen or a video file.');
  }

  /** Lets camera and screen go. What was logged can still be saved. */
  stop(why = 'Stopped.'): void {
    this.#turn++;
    void this.#stopRecording();
    this.#attachment?.detach();
    this.#attachment = undefined;
    this.#source.close();
    this.#setRunning(false);
    this.#show('off', why);
  }

  get #limit(): number {
    return element<HTMLInputElement>('max-age').valueAsNumber;
  }

  async #start(kind: SourceKind, file?: File): Promise<void> {
    this.stop('');
    const turn = this.#turn;
    try {
      this.#show('starting', kind === 'file' ? 'Opening the video…' : 'Waiting for your permission…');
      await this.#source.open(kind, file);
      if (turn !== this.#turn) return this.#source.close();
      this.#setRunning(true);
      this.#show('starting', 'Loading the model…');
      const info = await this.engine.open(this.options());
      const segmenter = await this.engine.segmenter;
      if (turn !== this.#turn || !segmenter) return;
      this.#info = info;
      write(element('live-engine'), engineLine(info));
      this.#log = new AuditLog();
      const prompt = this.#sentence.value.trim();
      if (info.model.text === 'required' && prompt === '') {
        this.#show('off', 'Write a sentence, then press Apply.');
        this.#sentence.focus();
        return;
      }
      this.#attach(segmenter, prompt, kind);
    } catch (error) {
      if (turn === this.#turn) this.#failed(error);
    }
  }

  #attach(segmenter: Segmenter, prompt: string, kind: string): void {
    const { model, device, dtype } = this.#info!;
    const text = promptOf(this.#info!, prompt);
    const maxAgeMs = this.#limit;
    this.#strip.clear();
    void this.#log.add('start', { notice: NOTICE, source: kind, model, device, dtype, sentence: text, maxAgeMs });
    this.#attachment = segmenter.attach(this.#video, this.#overlay, {
      prompt: text,
      maxAgeMs,
      smoothing: element<HTMLInputElement>('smoothing').checked,
      onState: event => this.#told(event),
      onResult: result => this.#result(result),
    });
    this.#prompt = prompt;
    this.#offer();
  }

  #told({ state, reason, error }: LiveEvent): void {
    this.#show(state, sentenceOf(`${state}: ${reason}`));
    void this.#log.add('state', { state, reason, ...(error && { code: error.code }) });
    if (error && state === 'off') this.#failed(error);
    else element('live-error').hidden = true;
  }

  #result({ lesions, timestamp, age, dropped, width, height, prompt }: LiveSegmentation): void {
    this.#strip.add({ age, dropped, at: performance.now() });
    const found = lesions.map(({ id, score, area, box }) => ({ id, score: Number(score.toFixed(4)), area, box }));
    void this.#log.add('mask', {
      timestamp,
      age: Math.round(age),
      dropped,
      sentence: prompt,
      width,
      height,
      lesions: found,
    });
    write(element('live-count'), lesions.length ? plural(lesions.length, 'lesion') : 'No lesion');
    const summary = this.#strip.summary();
    const { delivered = 0, dropped: lost = 0 } = this.#attachment?.stats ?? {};
    if (summary)
      write(
        element('strip-text'),
        `${summary.rate.toFixed(1)} masks a second · age ${summary.p50.toFixed(0)} ms, 95 % under ${summary.p95.toFixed(0)} ms · ` +
          `${delivered ? ((100 * lost) / delivered).toFixed(0) : 0} % of frames dropped`,
      );
    write(element('log-count'), `${plural(this.#log.length, 'line')}, no pixels`);
  }

  /** Takes the sentence into the running stream, or begins one. */
  async #apply(): Promise<void> {
    const text = this.#sentence.value.trim();
    const attachment = this.#attachment;
    try {
      if (attachment && attachment.state !== 'off') {
        await attachment.setPrompt(promptOf(this.#info!, text));
        this.#prompt = text;
        await this.#log.add('sentence', { sentence: text });
        this.#offer();
      } else if (this.#info && this.#video.readyState > 0) {
        attachment?.detach();
        const segmenter = await this.engine.segmenter;
        if (segmenter) this.#attach(segmenter, text, 'again');
      } else this.#show('off', 'Choose a camera, a screen or a video file.');
    } catch (error) {
      this.#explain(error);
    }
  }

  /** Shows whether the sentence that is written is the one that runs. */
  #offer(): void {
    const differs = this.#attachment !== undefined && this.#sentence.value.trim() !== this.#prompt;
    element('live-pending').hidden = !differs;
    write(element('live-runs'), this.#attachment && this.#prompt ? `“${this.#prompt}”` : '');
  }

  async #record(): Promise<void> {
    if (this.#recorder) return this.#stopRecording();
    this.#recorder = new Recorder(this.#video, this.#overlay, () => {
      const model = this.#info ? ` · ${this.#info.model.name} ${this.#info.model.hash.slice(0, 12)}` : '';
      return `${NOTICE} “${this.#prompt}”${model}`;
    });
    element<HTMLButtonElement>('record').ariaPressed = 'true';
    write(element('record'), 'Stop recording');
    await this.#log.add('recording', { on: true });
  }

  async #stopRecording(): Promise<void> {
    const recorder = this.#recorder;
    this.#recorder = undefined;
    element<HTMLButtonElement>('record').ariaPressed = 'false';
    write(element('record'), 'Record');
    if (!recorder) return;
    const [file, extension] = await recorder.stop();
    await this.#log.add('recording', { on: false, bytes: file.size });
    download(file, `tmca-edge.${extension}`);
  }

  async #saveLog(): Promise<void> {
    download(await this.#log.file(), 'tmca-edge-audit.jsonl');
  }

  #ended(why: string): void {
    void this.#log.add('ended', { why });
    // A video file stays on the screen: it can be played again.
    if (this.#video.srcObject) this.stop(why);
  }

  #failed(error: unknown): void {
    this.#show('off', headlineOf(error));
    this.#explain(error);
  }

  #explain(error: unknown): void {
    explain(element('live-error'), error);
  }

  #show(state: LiveEvent['state'], text: string): void {
    element('live-state').dataset.state = state;
    write(element('live-status'), text);
  }

  #setRunning(running: boolean): void {
    element('screen').classList.toggle('running', running);
    element('latency').hidden = !running;
    for (const id of ['record', 'stop']) element<HTMLButtonElement>(id).disabled = !running;
    element<HTMLButtonElement>('save-log').disabled = !running && this.#log.length === 0;
    if (!running) {
      write(element('live-count'), 'No mask yet');
      write(element('strip-text'), '');
      this.#offer();
    }
  }

  #listenToSources(): void {
    element('camera').addEventListener('click', () => void this.#start('camera'));
    const screen = element<HTMLButtonElement>('share');
    // Tablets have no screen to share.
    screen.hidden = !navigator.mediaDevices || !('getDisplayMedia' in navigator.mediaDevices);
    screen.addEventListener('click', () => void this.#start('screen'));
    const input = element<HTMLInputElement>('video-file');
    element('open-video').addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      const [file] = input.files ?? [];
      if (file) void this.#start('file', file);
      input.value = '';
    });
    element('stop').addEventListener('click', () => this.stop());
    const age = element<HTMLInputElement>('max-age');
    age.addEventListener('input', () => write(element('max-age-value'), `${age.value} ms`));
  }
}
