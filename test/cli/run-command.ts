/** Commands of the command line, in the process of the test. */

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Output {
  write(text: string): unknown;
}

interface TestIo {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** Runs a command in a folder, with a home of its own. */
export async function runCommand(
  command: (args: readonly string[], io: TestIo) => Promise<number>,
  args: readonly string[],
  { home, cwd = home }: { readonly home: string; readonly cwd?: string },
): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  const exitCode = await command(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env: { PARLANCE_HOME: home },
    cwd,
  });
  return { exitCode, stdout, stderr };
}
