"""cc_grpc_library with the name, place and arguments of gRPC's own, over the installed plugin."""

load("@rules_cc//cc:defs.bzl", "cc_library")
load("@rules_proto//proto:defs.bzl", "ProtoInfo")

def _path_in_root(proto, proto_info):
    """The name under which others import `proto`: its path below the proto source root."""
    root = proto_info.proto_source_root
    return proto.path[len(root) + 1:] if root != "." and proto.path.startswith(root + "/") else proto.path

def _generate_grpc_impl(ctx):
    proto_info = ctx.attr.proto[ProtoInfo]
    sources = proto_info.direct_sources
    outputs = []
    out_root = None
    for proto in sources:
        stem = _path_in_root(proto, proto_info)[:-len(".proto")]
        relative = stem[len(ctx.label.package) + 1:] if ctx.label.package else stem
        files = [ctx.actions.declare_file(relative + suffix) for suffix in [".grpc.pb.h", ".grpc.pb.cc"]]
        out_root = files[0].path[:-len(stem + ".grpc.pb.h") - 1]
        outputs += files

    args = ctx.actions.args()
    args.add("--plugin=protoc-gen-grpc=" + ctx.executable._plugin.path)
    args.add("--grpc_out=" + out_root)
    args.add_all(proto_info.transitive_proto_path, before_each = "--proto_path")
    args.add_all([_path_in_root(proto, proto_info) for proto in sources])
    ctx.actions.run(
        executable = ctx.executable._protoc,
        arguments = [args],
        inputs = proto_info.transitive_sources,
        tools = [ctx.executable._plugin],
        outputs = outputs,
        mnemonic = "GrpcStubs",
        progress_message = "Generating gRPC stubs of %{label}",
    )
    return [
        DefaultInfo(files = depset(outputs)),
        OutputGroupInfo(headers = depset([f for f in outputs if f.extension == "h"])),
    ]

_generate_grpc = rule(
    implementation = _generate_grpc_impl,
    attrs = {
        "proto": attr.label(mandatory = True, providers = [ProtoInfo]),
        "_protoc": attr.label(
            default = "@com_google_protobuf//:protoc",
            allow_single_file = True,
            executable = True,
            cfg = "exec",
        ),
        "_plugin": attr.label(
            default = "@com_github_grpc_grpc//:src/compiler/grpc_cpp_plugin",
            allow_single_file = True,
            executable = True,
            cfg = "exec",
        ),
    },
    output_to_genfiles = True,
)

def cc_grpc_library(name, srcs, deps, grpc_only = False, **kwargs):
    """The gRPC stubs of one proto_library of this package: X.proto gives X.grpc.pb.h.

    Args:
      name: the cc_library.
      srcs: exactly one proto_library.
      deps: exactly one cc_proto_library, that of `srcs`.
      grpc_only: must be True: the messages come from `deps`. Upstream's default generates them too.
      **kwargs: for the cc_library (visibility, testonly, ...).
    """
    if len(srcs) != 1 or len(deps) != 1 or not grpc_only:
        fail("cc_grpc_library needs one proto_library, one cc_proto_library and grpc_only = True")
    stubs = "_" + name + "_stubs"
    _generate_grpc(
        name = stubs,
        proto = srcs[0],
        testonly = kwargs.get("testonly", False),
        visibility = ["//visibility:private"],
    )
    headers = stubs + "_headers"
    native.filegroup(
        name = headers,
        srcs = [":" + stubs],
        output_group = "headers",
        testonly = kwargs.get("testonly", False),
        visibility = ["//visibility:private"],
    )
    cc_library(
        name = name,
        srcs = [":" + stubs],
        hdrs = [":" + headers],
        deps = deps + ["@com_github_grpc_grpc//:grpc++"],
        **kwargs
    )
