#include "examples/raftexample/mvcc/record.h"

#include <cstddef>

#include "google/protobuf/io/coded_stream.h"

namespace raftexample {
namespace {

using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

enum Kind : uint8_t { kPut = 0, kDelete = 1 };

constexpr size_t kMaxVarint = 10;
constexpr size_t kMaxHead = 1 + 4 * kMaxVarint;

}  // namespace

std::string EncodeRecord(const Record& record) {
  uint8_t head[kMaxHead];
  uint8_t* end = head;
  *end++ = record.deletes ? kDelete : kPut;
  if (!record.deletes) {
    end = CodedOutputStream::WriteVarint64ToArray(record.create_revision, end);
    end = CodedOutputStream::WriteVarint64ToArray(record.version, end);
    end = CodedOutputStream::WriteVarint64ToArray(record.lease, end);
    end = CodedOutputStream::WriteVarint64ToArray(record.key.size(), end);
  }
  std::string bytes;
  bytes.reserve((end - head) + record.key.size() + record.value.size());
  bytes.append(reinterpret_cast<const char*>(head), end - head);
  bytes.append(record.key.data(), record.key.size());
  if (!record.deletes) bytes.append(record.value.data(), record.value.size());
  return bytes;
}

absl::optional<Record> DecodeRecord(absl::string_view bytes) {
  if (bytes.empty()) return absl::nullopt;
  const uint8_t kind = bytes[0];
  bytes.remove_prefix(1);
  if (kind == kDelete) return Record{.deletes = true, .key = bytes};
  if (kind != kPut) return absl::nullopt;

  CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  uint64_t create_revision, version, lease, key_size;
  if (!in.ReadVarint64(&create_revision) || !in.ReadVarint64(&version) ||
      !in.ReadVarint64(&lease) || !in.ReadVarint64(&key_size)) {
    return absl::nullopt;
  }
  bytes.remove_prefix(in.CurrentPosition());
  if (key_size > bytes.size()) return absl::nullopt;
  return Record{.key = bytes.substr(0, key_size),
                .value = bytes.substr(key_size),
                .create_revision = static_cast<int64_t>(create_revision),
                .version = static_cast<int64_t>(version),
                .lease = static_cast<int64_t>(lease)};
}

void ToKeyValue(const Record& record, int64_t mod_revision, WithValue with_value,
                mvccpb::KeyValue* out) {
  out->set_key(record.key.data(), record.key.size());
  out->set_mod_revision(mod_revision);
  if (record.deletes) return;
  out->set_create_revision(record.create_revision);
  out->set_version(record.version);
  out->set_lease(record.lease);
  if (with_value == WithValue::kYes) out->set_value(record.value.data(), record.value.size());
}

}  // namespace raftexample
