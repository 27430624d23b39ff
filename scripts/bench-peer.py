"""llama.cpp as a peer of `hearth bench engine`: speaks the lines that crates/inference/src/measure.rs describes.

Uses llama-cpp-python's plain bindings with llama.cpp's own defaults. `npm run bench:engine` installs it and runs this.
"""

import ctypes
import sys
import time

import llama_cpp as ll

# Tokens that llama.cpp is given at once; its own default for prompts.
BATCH = 512


def resident():
    """The most memory that this process ever held, in bytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class Peer:
    """One loaded model with one context."""

    def load(self, threads, room, path):
        model = ll.llama_model_load_from_file(path.encode(), ll.llama_model_default_params())
        if not model:
            raise RuntimeError("the model does not load")
        self.n_vocab = ll.llama_vocab_n_tokens(ll.llama_model_get_vocab(model))
        settings = ll.llama_context_default_params()
        settings.n_ctx = int(room)
        settings.n_threads = settings.n_threads_batch = int(threads)
        self.context = ll.llama_init_from_model(model, settings)
        if not self.context:
            raise RuntimeError("there is no room for the context")

    def decode(self, tokens):
        array = (ll.llama_token * len(tokens))(*tokens)
        if ll.llama_decode(self.context, ll.llama_batch_get_one(array, len(tokens))) != 0:
            raise RuntimeError("decoding fails")
        ll.llama_synchronize(self.context)

    def read(self, count):
        tokens = [(i * 7919 + 13) % 32000 % self.n_vocab for i in range(int(count))]
        for first in range(0, len(tokens), BATCH):
            self.decode(tokens[first : first + BATCH])

    def write(self, count):
        # Choosing belongs to writing, but Python would be slow at it: the sampler is llama.cpp's own.
        sampler = ll.llama_sampler_init_greedy()
        for _ in range(int(count)):
            self.decode([ll.llama_sampler_sample(sampler, self.context, -1)])
        ll.llama_sampler_free(sampler)

    def clear(self):
        ll.llama_memory_clear(ll.llama_get_memory(self.context), True)


def main():
    quiet = ll.llama_log_callback(lambda level, text, data: None)
    ll.llama_log_set(quiet, ctypes.c_void_p(0))
    ll.llama_backend_init()
    peer = Peer()
    verbs = {"load": ("loaded", 2), "read": ("read", 1), "write": ("written", 1), "clear": ("cleared", 0)}
    for line in sys.stdin:
        verb, *rest = line.rstrip("\n").split(" ", 1)
        if verb == "memory":
            print("memory", resident(), flush=True)
            continue
        if verb not in verbs:
            print("failed: unknown verb", verb, flush=True)
            return
        answer, splits = verbs[verb]
        begun = time.perf_counter()
        try:
            getattr(peer, verb)(*(rest[0].split(" ", splits) if rest else []))
        except (RuntimeError, TypeError, ValueError) as error:
            print("failed:", error, flush=True)
            return
        print(answer, (time.perf_counter() - begun) * 1000, flush=True)


main()
