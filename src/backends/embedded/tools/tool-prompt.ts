import type { TemplateConversation, TemplateMessage } from '../prompt/template-messages.ts';
import type { CallableTool, ToolSet } from './tool-set.ts';

/** What stands around the JSON of a call. Qwen, Hermes, SmolLM and many others are trained on these tags. */
export const CALL_OPEN = '<tool_call>';
export const CALL_CLOSE = '</tool_call>';

/** A tool as chat templates expect it. */
export function toTemplateTool({ name, description, parameters }: CallableTool): unknown {
  return { type: 'function', function: { name, description, parameters } };
}

/**
 * The conversation for a template that knows nothing of tools: their descriptions open the system text, earlier calls
 * and their results are written out as the model is asked to write them.
 */
export function describeTools(
  { system, messages, prefill }: TemplateConversation,
  toolSet: ToolSet | undefined,
  protect: (text: string) => string,
): TemplateConversation {
  const described = messages.map(spellOut);
  if (toolSet === undefined) return { system, messages: described, prefill };
  const list = toolSet.tools.map((tool) => protect(JSON.stringify(toTemplateTool(tool)))).join('\n');
  const instructions = [
    'You can call these functions, described as JSON:',
    list,
    `To call one, answer with nothing but its name and arguments as JSON between tags:`,
    `${CALL_OPEN}\n{"name": "function-name", "arguments": {"argument": "value"}}\n${CALL_CLOSE}`,
    'The result comes back in a message of the user.',
  ].join('\n');
  return {
    system: system === '' ? instructions : `${system}\n\n${instructions}`,
    messages: described,
    prefill,
  };
}

function spellOut(message: TemplateMessage): TemplateMessage {
  if (message.role === 'tool') {
    return { role: 'user', content: `<tool_response>\n${message.content}\n</tool_response>` };
  }
  if (message.tool_calls === undefined) return message;
  const calls = message.tool_calls.map(
    ({ function: { name, arguments: value } }) =>
      `${CALL_OPEN}\n${JSON.stringify({ name, arguments: value })}\n${CALL_CLOSE}`,
  );
  const { tool_calls: _, ...rest } = message;
  return { ...rest, content: [message.content, ...calls].filter((text) => text !== '').join('\n') };
}
