/** Environment variables by name, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Interpolation {
  readonly text: string;
  readonly problems: readonly { readonly reference: string; readonly message: string }[];
}

/**
 * Replaces `${NAME}` by the environment variable of that name, once: what a variable holds is not looked at again.
 * `$${` stands for a literal `${`; any other `$` is itself.
 */
export function interpolate(text: string, environment: Environment): Interpolation {
  const problems: { reference: string; message: string }[] = [];
  const replaced = text.replaceAll(/\$\$\{|\$\{([^}]*)\}?/g, (reference, name: string | undefined) => {
    if (name === undefined) return '${';
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (value !== undefined && reference.endsWith('}')) return value;
    problems.push({ reference, message: explain(reference, name) });
    return '';
  });
  return { text: replaced, problems };
}

function explain(reference: string, name: string): string {
  if (reference.endsWith('}') && /^[A-Za-z_]\w*$/.test(name)) {
    return `environment variable ${name} is not set; set it, or replace \`${reference}\` in the file`;
  }
  return '`${` must be followed by a variable name and `}`, as in `${PORT}`; write `$${` for a literal `${`';
}
