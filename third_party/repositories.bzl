"""Everything the build needs from outside, taken from the operating system: no network.

An embedder who wants other versions declares a repository of the same name before calling
raft_repositories(); the BUILD files never know which one they got.
"""

load(":absl.bzl", "ABSL_LIBRARIES")
load(":protobuf.bzl", "PROTOBUF_SYSTEM_FILES")
load(":system_repository.bzl", "system_repository")

def _maybe(rule, name, **kwargs):
    if not native.existing_rule(name):
        rule(name = name, **kwargs)

def _absolute(label):
    """`label` as any repository can write it, whether this one is the main one or embedded."""
    return "@{}//{}:{}".format(label.workspace_name, label.package, label.name)

def raft_repositories():
    """Declares each external repository that the WORKSPACE has not declared yet."""
    _rules()
    _libraries()

def _rules():
    _maybe(
        native.local_repository,
        name = "bazel_skylib",
        path = "/usr/share/bazel/tools/skylib",
    )
    _maybe(
        native.local_repository,
        name = "rules_java",
        path = "/usr/share/bazel/rules/java",
    )
    _maybe(
        native.local_repository,
        name = "rules_proto",
        path = "/usr/share/bazel/rules/proto",
    )

    # Debian's bazel-rules-cc is too new for the Bazel next to it: the native rules, re-exported.
    _maybe(
        system_repository,
        name = "rules_cc",
        files = {
            Label("//third_party:rules_cc/defs.bzl"): "cc/defs.bzl",
            Label("//third_party:rules_cc/cc.BUILD"): "cc/BUILD.bazel",
        },
    )

    # Asked for by every test rule and needed by none: `bazel coverage` is not used here
    # (tools/coverage), so its output generator can be absent.
    _maybe(
        system_repository,
        name = "remote_coverage_tools",
        build_file = Label("//third_party:remote_coverage_tools.BUILD"),
    )

def _libraries():
    tsan = _absolute(Label("//third_party/tsan"))
    _maybe(
        system_repository,
        name = "com_google_absl",
        libraries = ABSL_LIBRARIES,
        deps = {
            "//absl/status:status": [tsan],
            "//absl/strings:cord": [tsan],
            "//absl/synchronization:synchronization": [tsan],
        },
    )
    _maybe(
        system_repository,
        name = "com_google_protobuf",
        build_file = Label("//third_party:protobuf/protobuf.BUILD"),
        libraries = {
            "//:protobuf": ["protobuf"],
            "//:protobuf_lite": ["protobuf-lite"],
        },
        system_files = PROTOBUF_SYSTEM_FILES,
    )
    _maybe(
        system_repository,
        name = "com_github_grpc_grpc",
        build_file = Label("//third_party:grpc/grpc.BUILD"),
        files = {
            Label("//third_party:grpc/bazel.BUILD"): "bazel/BUILD.bazel",
            Label("//third_party:grpc/cc_grpc_library.bzl"): "bazel/cc_grpc_library.bzl",
        },
        libraries = {
            "//:grpc++": ["grpc++"],
            "//:grpc++_reflection": ["grpc++", "-lgrpc++_reflection"],
        },
        deps = {"//:grpc++": [tsan]},
        system_files = {"/usr/bin/grpc_cpp_plugin": "src/compiler/grpc_cpp_plugin"},
    )
    _maybe(
        system_repository,
        name = "com_google_googletest",
        libraries = {
            "//:gtest": ["gtest", "gmock"],
            "//:gtest_main": ["gmock_main", "gtest", "gmock"],
        },
    )
    _maybe(
        system_repository,
        name = "com_github_google_benchmark",
        libraries = {
            "//:benchmark": ["benchmark"],
            "//:benchmark_main": ["-lbenchmark_main", "benchmark"],
        },
    )
    _maybe(
        system_repository,
        name = "lmdb",
        libraries = {"//:lmdb": ["lmdb"]},
    )
    _maybe(
        system_repository,
        name = "xxhash",
        libraries = {"//:xxhash": ["libxxhash"]},
    )
    _maybe(
        system_repository,
        name = "isal",
        libraries = {"//:isal": ["libisal"]},
    )
    _maybe(
        system_repository,
        name = "openssl",
        libraries = {
            "//:crypto": ["libcrypto"],
            "//:ssl": ["libssl", "libcrypto"],
        },
    )
    _maybe(
        system_repository,
        name = "libcrypt",
        libraries = {"//:crypt": ["libcrypt"]},
    )
    _maybe(
        system_repository,
        name = "libmicrohttpd",
        libraries = {"//:libmicrohttpd": ["libmicrohttpd", "gnutls"]},  # Which is its TLS.
    )
    _maybe(
        system_repository,
        name = "prometheus_cpp",
        libraries = {
            "//:core": ["prometheus-cpp-core"],
            "//:pull": ["prometheus-cpp-pull"],
        },
    )
