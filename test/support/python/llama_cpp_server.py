"""
llama.cpp's own HTTP server on loopback, from the package xllamacpp.

Usage: llama_cpp_server.py OPTIONS, where OPTIONS is a JSON object with the names read below.
Prints "listens on URL" once the model is loaded. Ends when its standard input does, and so with the process that
started it, however that ends.
"""

import json
import os
import sys

import xllamacpp

options = json.loads(sys.argv[1])
params = xllamacpp.CommonParams()
params.hostnames = ["127.0.0.1"]
params.port = options["port"]
params.model.path = options["model"]
params.model_alias = {options["alias"]}
params.chat_template = options["chat_template"]
params.n_parallel = options["slots"]
# llama.cpp divides the context among the slots.
params.n_ctx = options["slots"] * options["context_size"]
params.n_predict = options["max_tokens"]
params.api_keys = options["api_keys"]
params.cpuparams.n_threads = 1
params.use_jinja = True
params.endpoint_slots = True
server = xllamacpp.Server(params)
print("listens on", server.listening_address, flush=True)

sys.stdin.buffer.read()
# Not the orderly end: that one waits until every answer is complete.
os._exit(0)
