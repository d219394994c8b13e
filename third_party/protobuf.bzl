"""What @com_google_protobuf takes from the installed protobuf besides the libraries."""

# The messages whose C++ code is inside libprotobuf.
WELL_KNOWN_PROTOS = [
    "any",
    "api",
    "descriptor",
    "duration",
    "empty",
    "field_mask",
    "source_context",
    "struct",
    "timestamp",
    "type",
    "wrappers",
]

_PROTO = "google/protobuf/{}.proto"

PROTOBUF_SYSTEM_FILES = dict(
    {"/usr/include/" + _PROTO.format(name): _PROTO.format(name) for name in WELL_KNOWN_PROTOS},
    **{"/usr/bin/protoc": "protoc"}
)
