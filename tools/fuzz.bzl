"""fuzz_target: one fuzzer, and a test that replays what it has found so far."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")
load(":copts.bzl", "RAFT_COPTS")

def fuzz_target(name, srcs, corpus, deps = [], size = "small"):
    """Declares a fuzzer from code that defines LLVMFuzzerTestOneInput.

    <name> is the libFuzzer binary and exists only under --config=fuzz:

        bazel build --config=fuzz //some:wire_fuzzer
        bazel-bin/some/wire_fuzzer -max_total_time=60 some/corpus/wire

    <name>_corpus_test runs every file of the corpus once, under any configuration and compiler. An
    input that once failed belongs in the corpus.

    Args:
      name: of the fuzzer.
      srcs: the code.
      corpus: a folder of this package with at least one file, committed.
      deps: what the code needs.
      size: of the test.
    """
    library = "_" + name + "_library"
    cc_library(
        name = library,
        testonly = True,
        srcs = srcs,
        copts = RAFT_COPTS,
        visibility = ["//visibility:private"],
        deps = deps,
        alwayslink = True,  # libFuzzer's main asks for it after all objects have been chosen.
    )
    cc_binary(
        name = name,
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        linkstatic = True,
        target_compatible_with = select({
            "@raft//tools:fuzzing": [],
            "//conditions:default": ["@raft//tools:never"],
        }),
        deps = [":" + library],
    )
    inputs = "_" + name + "_corpus"
    native.filegroup(
        name = inputs,
        testonly = True,
        srcs = native.glob([corpus + "/**"], allow_empty = False),
        visibility = ["//visibility:private"],
    )
    cc_test(
        name = name + "_corpus_test",
        size = size,
        args = ["$(rootpaths :{})".format(inputs)],
        data = [":" + inputs],
        deps = [
            ":" + library,
            "@raft//tools:fuzz_replay_main",
        ],
    )
