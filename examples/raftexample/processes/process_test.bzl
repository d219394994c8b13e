"""Tests that run raftexample as it is run: as processes of their own."""

def process_test(name, script, args, data = []):
    """Runs a Python script against members of a cluster that it starts itself.

    Args:
      name: of the test.
      script: the program, which may import cluster.py.
      args: of the script, among them $(location //examples/raftexample), the server.
      data: what else the script reads.
    """
    native.sh_test(
        name = name,
        size = "medium",
        srcs = [script],
        args = args,
        data = data + [
            "cluster.py",
            "//examples/raftexample",
        ],
        env = {"PYTHONDONTWRITEBYTECODE": "1"},
        tags = ["local"],
    )
