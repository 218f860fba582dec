/** What the examples that stand in more than one language print, described in one place for all of them. */
import { expect } from 'vitest';
import { parseLines } from '../support/parse-lines.ts';
import { readCompletion, readText } from './answer-shapes.ts';

/** The event that the structured-output example reads out of an answer. */
export const CALENDAR_EVENT = {
  name: expect.any(String),
  date: expect.any(String),
  participants: expect.toSatisfy((names: unknown[]) => names.every((name) => typeof name === 'string')),
};

/** What `readToolRound` gives for the tools example. */
export const WEATHER_ROUND = {
  name: 'get_weather',
  arguments: { city: expect.any(String) },
  text: expect.stringMatching(/./s),
};

export interface ToolRound {
  readonly name: string;
  readonly arguments: unknown;
  readonly text: string;
}

/** Reads an answer with one call and, on the next line, the answer in words made with its result. */
export function readToolRound(printed: string): ToolRound {
  const [question, answer] = parseLines(printed);
  const [choice] = readCompletion(question).choices;
  expect(choice.finish_reason).toBe('tool_calls');
  expect(choice.message.tool_calls).toHaveLength(1);
  const [call] = choice.message.tool_calls ?? [];
  return {
    name: call?.function.name ?? '',
    arguments: JSON.parse(call?.function.arguments ?? ''),
    text: readText(answer),
  };
}

/**
 * What the logprobs example prints: one to twelve lines, each a token with its chance and those of three others.
 *
 * @param quoted pattern of a text on one line, quoted as the example's language does it
 */
export function tokenChances(quoted: string): RegExp {
  const token = String.raw`${quoted} \d{1,3}%`;
  const line = `${token} {2}of {2}${token}, ${token}, ${token}`;
  return new RegExp(String.raw`^${line}(?:\n${line}){0,11}\s*$`);
}
