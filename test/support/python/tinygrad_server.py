"""
tinygrad's own HTTP server, with the arguments of `python -m tinygrad.llm`, on loopback and a free port.

Prints "listens on URL" once it can answer. Ends when its standard input does, and so with the process that started it,
however that ends.
"""

import os
import sys
import threading

from tinygrad.llm import cli


class LoopbackServer(cli.LLMServer):
    """tinygrad would listen on all interfaces."""

    def __init__(self, _address, *rest):
        super().__init__(("127.0.0.1", 0), *rest)
        print(f"listens on http://127.0.0.1:{self.server_address[1]}", flush=True)


def end_with_standard_input():
    sys.stdin.buffer.read()
    os._exit(0)


read_tokenizer = cli.SimpleTokenizer.from_gguf_kv


def read_tokenizer_as_qwen2(metadata):
    """tinygrad has no preset for SmolLM2, whose chat format is that of Qwen 2."""
    return read_tokenizer({**metadata, "tokenizer.ggml.pre": "qwen2"})


cli.LLMServer = LoopbackServer
cli.SimpleTokenizer.from_gguf_kv = staticmethod(read_tokenizer_as_qwen2)
threading.Thread(target=end_with_standard_input, daemon=True).start()
cli.main()
