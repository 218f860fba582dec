import { describe, expect, it } from 'vitest';
import { EngineOutput } from '../../../src/backends/embedded/engine-output.ts';

function capture(): { output: EngineOutput; lines: string[] } {
  const lines: string[] = [];
  return { output: new EngineOutput((line) => lines.push(line)), lines };
}

describe('EngineOutput', () => {
  it('shows what is printed while the model is loaded, without empty lines', () => {
    const { output, lines } = capture();
    output.push('reading\n\n  \nload error: the tensors are torn\n');
    expect(lines).toEqual(['reading', 'load error: the tensors are torn']);
    expect(output.last).toEqual(lines);
  });

  it('keeps the last lines, and not the whole of long ones', () => {
    const { output } = capture();
    for (let line = 0; line < 100; line++) output.push(`${line} ${'x'.repeat(1000)}\n`);
    expect(output.last.map((line) => line.slice(0, 2))).toEqual(['95', '96', '97', '98', '99']);
    expect(output.last.join('').length).toBe(1500);
  });

  // The first as llama.cpp prints it, the others as the standard library of C++ and Node.js do.
  it.each([
    'parse: error parsing grammar: expecting \')\' at \n\nroot ::= "SECRET" (\n',
    '  what():  Unexpected empty grammar stack after accepting piece: SECRET (123)\n',
    'SyntaxError: Unexpected token \'S\', "SECRET" is not valid JSON\n',
    '    at SECRET\n',
    'SECRET.cpp:7: SECRET\n',
  ])('does not show %j once requests are under way', (printed) => {
    const { output, lines } = capture();
    output.beginRequests();
    output.push(printed);
    expect(lines.join()).toMatch(/^(?:\(\d+ characters\),?)+$/);
    expect(output.last).toEqual(lines);
  });

  it.each([
    '/home/build/llama.cpp/ggml/src/ggml.c:2703: GGML_ASSERT(n_tokens <= n_batch) failed',
    "terminate called after throwing an instance of 'std::runtime_error'",
    '    at accept (file:///srv/parlance/dist/backends/embedded/engine/engine-process.js:60:35)',
    '    at async Promise.all (node:internal/process/task_queues:103:5)',
    '    at node:internal/process/task_queues:103:5',
    'Node.js v24.21.0',
  ])('shows where the code broke at any time: %s', (line) => {
    const { output, lines } = capture();
    output.beginRequests();
    output.push(`${line}\n`);
    expect(lines).toEqual([line]);
  });
});
