// One change of one key, as the backend keeps it.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_RECORD_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_RECORD_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "examples/raftexample/mvcc/revision.h"
#include "examples/raftexample/proto/kv.pb.h"

namespace raftexample {

// A view: of the strings of a request, or of stored bytes. The revision of the change is its key in
// the backend and not part of the record.
struct Record {
  bool deletes = false;  // Then only `key` means anything.
  absl::string_view key;
  absl::string_view value;
  int64_t create_revision = 0;
  int64_t version = 0;
  int64_t lease = 0;

  friend bool operator==(const Record&, const Record&) = default;
};

// One byte of kind; of a put also three varints (create revision, version, lease), the varint of
// the key's length; the key; the value.
std::string EncodeRecord(const Record& record);
// The record, looking into `bytes`. nullopt if no record was ever encoded like that.
absl::optional<Record> DecodeRecord(absl::string_view bytes);

// What clients see. Without the value on request.
enum class WithValue { kYes, kNo };
void ToKeyValue(const Record& record, int64_t mod_revision, WithValue with_value,
                mvccpb::KeyValue* out);

// A change that has been made, for those who watch. `stored` is an encoded record that stays valid
// as whoever hands out the change says.
struct Change {
  Revision at;
  absl::string_view stored;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_RECORD_H_
