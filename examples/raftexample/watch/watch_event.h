// What a watch tells, encoded once for all who hear it.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_EVENT_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_EVENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "examples/raftexample/mvcc/record.h"
#include "examples/raftexample/proto/kv.pb.h"
#include "examples/raftexample/proto/rpc.pb.h"

namespace raftexample {

// One event as it stands in a WatchResponse. Immutable and shared: a thousand watches of one key
// queue a thousand pointers.
struct WatchEvent {
  int64_t revision = 0;
  // The element of WatchResponse.events with its tag and length: responses are built by appending.
  std::string wire;
};
using WatchEvents = std::vector<std::shared_ptr<const WatchEvent>>;

// `previous` is what the key was before, for those who asked for it.
std::shared_ptr<const WatchEvent> MakeWatchEvent(const Change& change, const Record& record,
                                                 const absl::optional<mvccpb::KeyValue>& previous);

// A response ready to be sent, but for the IDs and the term in its header.
struct WatchOutput {
  etcdserverpb::WatchResponse head;  // Everything but the events.
  WatchEvents events;

  // The bytes of the whole response.
  std::string Serialize() const;
  // The response as a message, for those who would rather have that.
  etcdserverpb::WatchResponse ToProto() const;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_EVENT_H_
