/** What a command needs of the process it runs in. */
export interface CommandIo {
  readonly stdout: CommandOutput;
  readonly stderr: CommandOutput;
  readonly env: NodeJS.ProcessEnv;
  /** Absolute path. */
  readonly cwd: string;
}

/** The part of a `tty.WriteStream` that is used. */
interface CommandOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}
