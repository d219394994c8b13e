#include <string>

#include "raftpb/entry_header.h"
#include "raftpb/wire.h"
#include "raftpb/wire_fields.h"
#include "raftpb/wire_writer.h"

namespace raftpb {
namespace {

// For the header of an entry that is no element of anything.
constexpr uint32_t kAnyField = 1;

template <typename T>
void Append(const T& value, std::string& out) {
  const size_t before = out.size();
  out.resize(before + WireSizer::SizeOf(value));
  WireWriter writer(out.data() + before);
  Fields(value, writer);
}

}  // namespace

void EncodeTo(const Entry& value, std::string& out) {
  EntryHeader header(kAnyField);
  header.Set(value);
  const size_t before = out.size();
  out.resize(before + header.size_alone() + value.data.size());
  WireWriter writer(header.PutAlone(out.data() + before));
  writer.Copy(value.data);
}
void EncodeTo(const Message& value, std::string& out) { Append(value, out); }
void EncodeTo(const Snapshot& value, std::string& out) { Append(value, out); }
void EncodeTo(const SnapshotMetadata& value, std::string& out) { Append(value, out); }
void EncodeTo(const HardState& value, std::string& out) { Append(value, out); }
void EncodeTo(const ConfState& value, std::string& out) { Append(value, out); }
void EncodeTo(const ConfChange& value, std::string& out) { Append(value, out); }
void EncodeTo(const ConfChangeSingle& value, std::string& out) { Append(value, out); }
void EncodeTo(const ConfChangeV2& value, std::string& out) { Append(value, out); }

size_t WireSize(const Message& value) { return WireSizer::SizeOf(value); }
size_t WireSize(const Entry& value) {
  EntryHeader header(kAnyField);
  header.Set(value);
  return header.size_alone() + value.data.size();
}

}  // namespace raftpb
