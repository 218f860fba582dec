import { describeValue } from '../validation/describe-value.ts';
import type { PathKey } from '../validation/format-json-path.ts';
import type { Check, ProblemCollector } from '../validation/problem-collector.ts';
import { checkBoolean, checkNonEmptyIdentifier, checkText, oneOf } from '../validation/scalar-checks.ts';
import {
  isJsonObject,
  type JsonObject,
  listOf,
  objectOf,
  reportMissing,
} from '../validation/structure-checks.ts';
import { googleSources } from './google-extra-body.ts';

/** Shapes of tools and of the choice between them. Contract sections 7.1, 7.4 and 7.7. */

const FUNCTION_NAME = /^[A-Za-z0-9_.:-]{1,128}$/;

/** OpenAI's names and Gemini's: a backend that takes fewer refuses or rewrites them itself. */
const checkFunctionName: Check = (value, collector) => {
  if (typeof value === 'string' && FUNCTION_NAME.test(value)) return;
  collector.report(`must be 1 to 128 letters, digits, "_", "-", "." or ":", not ${describeValue(value)}`);
};

/** The root `type` of a function's schema. Absent is fine: `{}` and `$ref` describe objects too. */
const checkObjectType: Check = (value, collector) => {
  const types: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (types.some((type) => typeof type === 'string' && type.toLowerCase() === 'object')) return;
  collector.report(`must be "object", since arguments are an object, not ${describeValue(value)}`);
};

const checkFunctionDefinition = objectOf(
  {
    name: checkFunctionName,
    description: checkText,
    parameters: objectOf({ type: checkObjectType }),
    strict: checkBoolean,
  },
  ['name'],
);

const checkFunctionTool = objectOf({ type: checkText, function: checkFunctionDefinition }, ['function']);

const checkCustomTool = objectOf(
  {
    type: checkText,
    custom: objectOf(
      {
        name: checkFunctionName,
        description: checkText,
        format: objectOf({ type: checkNonEmptyIdentifier }, ['type']),
      },
      ['name'],
    ),
  },
  ['custom'],
);

const checkBuiltInTool = objectOf({ type: checkNonEmptyIdentifier }, ['type']);

const checkTool: Check = (value, collector) => {
  const type = isJsonObject(value) ? value['type'] : undefined;
  if (type === 'function') checkFunctionTool(value, collector);
  else if (type === 'custom') checkCustomTool(value, collector);
  else checkBuiltInTool(value, collector);
};

export const checkTools = listOf(checkTool);
export const checkFunctions = listOf(checkFunctionDefinition, { min: 1, max: 128 });

const checkChosenName = objectOf({ name: checkFunctionName }, ['name']);

const checkAllowedTools = objectOf(
  {
    mode: oneOf(['auto', 'required']),
    tools: listOf(
      objectOf({ type: checkNonEmptyIdentifier, function: checkChosenName, custom: checkChosenName }, [
        'type',
      ]),
      {
        min: 1,
      },
    ),
  },
  ['mode', 'tools'],
);

const choiceObjects = new Map<unknown, Check>([
  [
    'function',
    objectOf(
      { type: checkText, function: checkChosenName, name: checkFunctionName },
      [],
      (choice, collector) => {
        if (choice['function'] == null && choice['name'] == null)
          reportMissing('function', choice['function'], collector);
      },
    ),
  ],
  ['custom', objectOf({ type: checkText, custom: checkChosenName }, ['custom'])],
  ['allowed_tools', objectOf({ type: checkText, allowed_tools: checkAllowedTools }, ['allowed_tools'])],
]);

const checkChoiceWord = oneOf(['none', 'auto', 'required', 'validated']);
const checkChoiceType = oneOf([...choiceObjects.keys()].map(String));

export const checkToolChoice: Check = (value, collector) => {
  if (!isJsonObject(value)) {
    checkChoiceWord(value, collector);
    return;
  }
  const { type } = value;
  const check = choiceObjects.get(type);
  if (check !== undefined) check(value, collector);
  else if (type == null) reportMissing('type', type, collector);
  else collector.check('type', type, checkChoiceType);
};

export const checkFunctionCallChoice: Check = (value, collector) =>
  (isJsonObject(value) ? checkChosenName : oneOf(['none', 'auto']))(value, collector);

/**
 * What holds between `tools`, `tool_choice`, `functions` and `function_call`. Safe on bodies that are not validated:
 * members of the wrong type are passed over, since they are reported where they stand.
 */
export function checkToolFields(body: JsonObject, collector: ProblemCollector): void {
  const { tools, functions, tool_choice: choice, function_call: call } = body;
  if (asArray(tools).length > 0 && asArray(functions).length > 0) {
    collector.reportAt(['functions'], 'cannot stand beside tools; send only one of them');
  }
  const toolNames = collectNames('tools', asArray(tools).map(nameOfTool), collector);
  const functionNames = collectNames('functions', asArray(functions).map(nameOfFunction), collector);
  if (choice != null && isAbsentOrArray(tools)) checkChoiceFits(body, toolNames, collector);
  if (isJsonObject(call) && isAbsentOrArray(functions)) {
    checkNameIsDeclared({ path: ['function_call', 'name'], name: call['name'] }, functionNames, collector);
  }
}

/** A name and where it stands inside its tool or function. */
interface PlacedName {
  readonly path: readonly PathKey[];
  readonly name: unknown;
}

function nameOfTool(tool: unknown): PlacedName {
  const kind = memberOf(tool, 'type') === 'custom' ? 'custom' : 'function';
  return { path: [kind, 'name'], name: memberOf(memberOf(tool, kind), 'name') };
}

function nameOfFunction(definition: unknown): PlacedName {
  return { path: ['name'], name: memberOf(definition, 'name') };
}

/** The names of one list. A repeated name is a problem of the later item. */
function collectNames(
  field: string,
  placed: readonly PlacedName[],
  collector: ProblemCollector,
): Set<string> {
  const names = new Set<string>();
  for (const [index, { path, name }] of placed.entries()) {
    if (typeof name !== 'string') continue;
    if (names.has(name)) {
      collector.reportAt(
        [field, index, ...path],
        `must differ from the names before it, unlike ${describeValue(name)}`,
      );
    }
    names.add(name);
  }
  return names;
}

function checkChoiceFits(body: JsonObject, names: ReadonlySet<string>, collector: ProblemCollector): void {
  const { tools, tool_choice: choice } = body;
  if (choice === 'none' || choice === 'auto') return;
  // Native declarations have names of their own, in a form only the Gemini backends read.
  if (googleSources(body).some(({ google }) => asArray(google['tools']).length > 0)) return;
  if (asArray(tools).length === 0) {
    collector.reportAt(['tool_choice'], 'needs tools; without tools only "none" and "auto" are allowed');
    return;
  }
  for (const placed of namesOfChoice(choice)) checkNameIsDeclared(placed, names, collector);
}

function namesOfChoice(choice: unknown): PlacedName[] {
  if (memberOf(choice, 'type') === 'allowed_tools') {
    const allowed = asArray(memberOf(memberOf(choice, 'allowed_tools'), 'tools'));
    return allowed.map((tool, index) => {
      const { path, name } = nameOfTool(tool);
      return { path: ['tool_choice', 'allowed_tools', 'tools', index, ...path], name };
    });
  }
  const { path, name } = nameOfTool(choice);
  return [
    name === undefined
      ? { path: ['tool_choice', 'name'], name: memberOf(choice, 'name') }
      : { path: ['tool_choice', ...path], name },
  ];
}

function checkNameIsDeclared(
  { path, name }: PlacedName,
  names: ReadonlySet<string>,
  collector: ProblemCollector,
): void {
  if (typeof name !== 'string' || names.has(name)) return;
  const list = path[0] === 'function_call' ? 'functions' : 'tools';
  collector.reportAt(path, `must be a name declared in ${list}, not ${describeValue(name)}`);
}

function isAbsentOrArray(value: unknown): boolean {
  return value == null || Array.isArray(value);
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function memberOf(value: unknown, name: string): unknown {
  return isJsonObject(value) ? value[name] : undefined;
}
