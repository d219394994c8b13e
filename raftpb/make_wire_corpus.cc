// Writes the seeds of wire_fuzz: random messages of every type, and some bytes that only hostile
// writers produce.
//
//     bazel run //raftpb:make_wire_corpus -- $PWD/raftpb/testdata/wire_corpus
#include <cstddef>
#include <fstream>
#include <iostream>
#include <random>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "raftpb/wire_oracle.h"

namespace raftpb {
namespace {

constexpr int kSeedsPerType = 6;
constexpr size_t kLongest = 600;

void Write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

template <typename T>
void WriteRandom(const std::string& folder, std::mt19937_64& random) {
  for (int written = 0; written < kSeedsPerType;) {
    Generated<T> message;
    FillAtRandom(random, message);
    const std::string bytes = message.SerializeAsString();
    if (bytes.empty() || bytes.size() > kLongest) continue;
    Write(absl::StrCat(folder, "/", message.GetDescriptor()->name(), "-", written++), bytes);
  }
}

void WriteHostile(const std::string& folder) {
  static constexpr struct {
    const char* name;
    const char* hex;
  } kInputs[] = {
      {"group", "7b08017a01617c"},
      {"groups", "7b83018401830184017c"},
      {"group-without-end", "7b0801"},
      {"long-number", "08ffffffffffffffffff01"},
      {"longer-number", "08ffffffffffffffffff02"},
      {"largest-field", "f8ffffff0f00"},
      {"absurd-length", "3affffffffffffffffff01"},
      {"packed", "0a030102030a0204051204060708ff"},
      {"merged-snapshot", "4a0412020a004a0612040a0208014a020a00"},
      {"nested-responses", "720c720a720872067204720272000801"},
      {"fixed",
       "790102030405060708"
       "7d01020304"},
      {"usual-and-unusual-entries",
       "3a061001180222003a061802100122003a0808011001180322013a003a021801"},
  };
  for (const auto& input : kInputs) {
    Write(absl::StrCat(folder, "/", input.name), absl::HexStringToBytes(input.hex));
  }
}

void WriteAll(const std::string& folder) {
  std::mt19937_64 random(1);
  WriteRandom<Entry>(folder, random);
  WriteRandom<SnapshotMetadata>(folder, random);
  WriteRandom<Snapshot>(folder, random);
  WriteRandom<Message>(folder, random);
  WriteRandom<HardState>(folder, random);
  WriteRandom<ConfState>(folder, random);
  WriteRandom<ConfChange>(folder, random);
  WriteRandom<ConfChangeSingle>(folder, random);
  WriteRandom<ConfChangeV2>(folder, random);
  WriteHostile(folder);
}

}  // namespace
}  // namespace raftpb

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_wire_corpus FOLDER\n";
    return 2;
  }
  raftpb::WriteAll(argv[1]);
}
