"""Wraps libraries of the operating system as Bazel repositories with their canonical labels.

The headers are expected where the compiler looks by itself (/usr/include on Debian), so a wrapped
target carries only what the linker needs. That is asked from pkg-config when the repository is
fetched: no list of transitive libraries has to be kept here.
"""

_INSTALL_HINT = "run tools/install_deps, or declare @{repository} in your WORKSPACE before raft_repositories()"

def _linkopts(ctx, target, link):
    """The linker flags of one target: `link` mixes pkg-config modules and literal flags."""
    modules = [word for word in link if not word.startswith("-")]
    flags = [word for word in link if word.startswith("-")]
    if modules:
        pkg_config = ctx.which("pkg-config")
        if not pkg_config:
            fail("pkg-config is missing: " + _INSTALL_HINT.format(repository = ctx.name))
        result = ctx.execute([pkg_config, "--libs"] + modules)
        if result.return_code:
            fail("@{}{}: {}\n{}".format(
                ctx.name,
                target,
                result.stderr.strip(),
                _INSTALL_HINT.format(repository = ctx.name),
            ))

        # A library is named once per path that leads to it: the last time serves them all. Anything
        # but -l only guards the one library, libatomic, that may be unused.
        words = result.stdout.replace("\n", " ").split(" ")
        flags += [w for i, w in enumerate(words) if w.startswith("-l") and w not in words[i + 1:]]
    return flags

def _cc_library(name, linkopts, deps):
    return """
cc_library(
    name = "{}",
    linkopts = {},
    deps = {},
)
""".format(name, repr(linkopts), repr(deps))

def _system_repository_impl(ctx):
    build_files = {"": []}
    for target, link in ctx.attr.libraries.items():
        package, _, name = target.lstrip("/").partition(":")
        build_files.setdefault(package, []).append(_cc_library(
            name,
            _linkopts(ctx, target, link),
            ctx.attr.deps.get(target, []),
        ))
    if ctx.attr.build_file:
        build_files[""].append(ctx.read(ctx.attr.build_file))
    for package, rules in build_files.items():
        ctx.file(
            package + "/BUILD.bazel" if package else "BUILD.bazel",
            "".join(["package(default_visibility = [\"//visibility:public\"])\n"] + rules),
            executable = False,
        )
    for source, path in ctx.attr.files.items():
        ctx.symlink(source, path)
    for absolute, path in ctx.attr.system_files.items():
        if not ctx.path(absolute).exists:
            fail("@{} needs {}: {}".format(
                ctx.name,
                absolute,
                _INSTALL_HINT.format(repository = ctx.name),
            ))
        ctx.symlink(absolute, path)

system_repository = repository_rule(
    implementation = _system_repository_impl,
    attrs = {
        "libraries": attr.string_list_dict(
            doc = "Label inside the repository -> pkg-config modules and linker flags.",
        ),
        "deps": attr.string_list_dict(
            doc = "Label inside the repository -> labels to be linked with it, before it.",
        ),
        "build_file": attr.label(
            doc = "Appended to the root BUILD file.",
            allow_single_file = True,
        ),
        "files": attr.label_keyed_string_dict(
            doc = "File of ours -> its path in the repository.",
            allow_files = True,
        ),
        "system_files": attr.string_dict(
            doc = "Absolute path -> its path in the repository.",
        ),
    },
    doc = "A repository of targets that stand for libraries installed on this machine.",
    configure = True,  # Asked again after `bazel sync --configure`.
    local = True,  # And whenever a Bazel server starts: upgrades of the system are seen.
)
