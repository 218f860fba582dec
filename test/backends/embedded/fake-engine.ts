/**
 * An engine process without a model, for tests of the supervisor: the name of the model file says how it loads, the
 * text of a prompt what it does.
 */
import type { EngineModel, FromEngine, ToEngine } from '../../../src/backends/embedded/engine/protocol.ts';

const MODEL: EngineModel = {
  name: 'fake',
  bosToken: '',
  eosToken: '',
  prependBos: false,
  controlTokens: [],
  vocabularySize: 1,
  contextSize: 10,
  threads: 1,
};

function send(message: FromEngine): void {
  process.send?.(message);
}

function load(path: string): void {
  switch (path) {
    case '/models/never.gguf':
      return;
    case '/models/broken.gguf':
      process.stderr.write('reading\nload error: the tensors are torn\nbye\n');
      send({ type: 'load-failed', message: `no model in ${path}` });
      process.disconnect();
      return;
    case '/models/fatal.gguf':
      process.exit(7);
      break;
    case '/models/talkative.gguf':
      for (let line = 0; line < 2000; line++) process.stdout.write(`${'x'.repeat(1000)}\n`);
      process.stdout.write('y'.repeat(1_000_000));
      break;
    case '/models/secretive.gguf':
      send({ type: 'loaded', model: { ...MODEL, name: Object.keys(process.env).join(' ') } });
      return;
  }
  send({ type: 'loaded', model: MODEL });
}

const finish = (job: number, reason: 'stop' | 'cancelled'): void => {
  send({ type: 'finished', job, reason, generatedTokens: 1, thoughtTokens: 0 });
};

const stubborn = new Set<number>();

process.on('message', (message: ToEngine) => {
  switch (message.type) {
    case 'load':
      load(message.options.modelPath);
      return;
    case 'generate': {
      const { job, plan } = message;
      const what = plan.prompt[0]?.text;
      if (what === 'die at once') process.exit(3);
      send({ type: 'started', job, promptTokens: 1, cachedTokens: 0 });
      if (what === 'die') process.exit(3);
      if (what === 'fail') {
        send({ type: 'failed', job, failure: { kind: 'internal', message: 'broken' } });
        return;
      }
      if (what === 'ignore') stubborn.add(job);
      send({ type: 'tokens', job, tokens: [{ text: String(process.pid) }] });
      if (what === 'answer') finish(job, 'stop');
      return;
    }
    case 'cancel':
      if (!stubborn.has(message.job)) finish(message.job, 'cancelled');
      return;
    case 'pause':
    case 'resume':
      send({ type: 'tokens', job: message.job, tokens: [{ text: message.type }] });
  }
});
process.on('disconnect', () => process.exit(0));
