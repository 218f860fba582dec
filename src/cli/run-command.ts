import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ConfigError } from '../config/config-error.ts';
import type { CommandIo } from './command-io.ts';

/** Exit codes of commands. */
export const OK = 0;
export const FAILURE = 1;
const MISUSE = 2;

/** The command line was not understood. The message says why. */
export class CommandLineError extends Error {}

type Options = NonNullable<ParseArgsConfig['options']>;

/** What stands on a command line. */
export type CommandLine<Known extends Options> = ReturnType<
  typeof parseArgs<{ options: Known; allowPositionals: true }>
>;

export interface CommandDescription<Known extends Options> {
  /** Besides `--help`, which every command has. */
  readonly options: Known;
  readonly help: string;
}

/**
 * Runs a command: reads its options, explains it when asked to, says what went wrong.
 *
 * @param args without the names of program and command
 * @param work throws {@link CommandLineError} for what the options alone do not show
 * @returns the exit code
 */
export async function runCommand<const Known extends Options>(
  { options, help }: CommandDescription<Known>,
  { args, io }: { readonly args: readonly string[]; readonly io: CommandIo },
  work: (line: CommandLine<Known>) => Promise<number>,
): Promise<number> {
  try {
    const line = readCommandLine(args, options);
    if (line === 'help') {
      io.stdout.write(help);
      return OK;
    }
    return await work(line);
  } catch (error) {
    if (error instanceof CommandLineError) {
      io.stderr.write(`${error.message}\n\n${help}`);
      return MISUSE;
    }
    io.stderr.write(error instanceof ConfigError ? error.format() : `${reasonOf(error)}\n`);
    return FAILURE;
  }
}

/** @throws {CommandLineError} for options that are not known, or have no value */
export function readCommandLine<const Known extends Options>(
  args: readonly string[],
  options: Known,
): CommandLine<Known> | 'help' {
  let line;
  try {
    const all = { ...options, help: { type: 'boolean', short: 'h' } } as const;
    line = parseArgs({ args: [...args], options: all, allowPositionals: true });
  } catch (error) {
    throw new CommandLineError(reasonOf(error), { cause: error });
  }
  const { help, ...values } = line.values as { readonly help?: boolean };
  return help === true ? 'help' : ({ ...line, values } as CommandLine<Known>);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
